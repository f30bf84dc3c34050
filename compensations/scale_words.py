"""The terms of an offer in words, in the reader's language and with the market's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Location, Market
from common.errors import InvalidInput
from common.money import SEPARATORS, digits, format_money, parse_money
from incidents.models.guidance import in_reader_language

from .scale_content import OfferTerms
from .states import COUPON_KINDS, OfferKind

NOTHING = "\u2013"
# As pages and messages name each field of an offer.
LABELS: dict[str, Promise] = {
    "kind": gettext_lazy("kind"),
    "name_es": gettext_lazy("name in Spanish"),
    "name_en": gettext_lazy("name in English"),
    "amounts": gettext_lazy("amount"),
    "terms_es": gettext_lazy("terms in Spanish"),
    "terms_en": gettext_lazy("terms in English"),
    "basis": gettext_lazy("basis"),
    "cap_minor": gettext_lazy("never above"),
    "expected_cost_bp": gettext_lazy("expected cost"),
    "validity_days": gettext_lazy("validity"),
    "usable_at": gettext_lazy("where it can be used"),
    "per_customer": gettext_lazy("times per customer"),
    "per_customer_days": gettext_lazy("counted over"),
    "approval_from_minor": gettext_lazy("approval from"),
    "is_statutory": gettext_lazy("owed by law"),
}


def percent(basis_points: int, locale: str) -> str:
    """`1250, es-CO` gives `12,5 %`; with a no-break space."""
    whole, rest = divmod(basis_points, 100)
    point = SEPARATORS.get(locale, (",", "."))[1]
    return f"{whole}{point + f'{rest:02d}'.rstrip('0') if rest else ''}\u00a0%"


def read_percent(text: str, locale: str) -> int:
    """Basis points from `12.5 %` or `12.5`, as the market writes numbers. Raises InvalidInput."""
    try:
        return parse_money(text.strip().removesuffix("%"), "%", locale)
    except InvalidInput as refusal:
        example = percent(1250, locale)
        raise InvalidInput(_("Write the share like %(example)s.") % {"example": example}) from (
            refusal
        )


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says offers of one market."""

    market: Market
    # Names of the market's locations by code.
    places: Mapping[str, str]

    @classmethod
    def of(cls, market: Market) -> "Speaker":
        return cls(market, dict(Location.objects.filter(market=market).values_list("code", "name")))

    def money(self, minor: int) -> str:
        """An amount; whole ones without their cents, since a sheet is read at a glance."""
        text = format_money(minor, self.market.currency, self.market.locale)
        places = digits(self.market.currency)
        whole = minor % 10**places == 0 and text.endswith("0" * places)
        return text[: -places - 1] if places and whole and text[-places - 1] in ".," else text

    def name(self, terms: OfferTerms) -> str:
        return in_reader_language(terms.name_es, terms.name_en)

    def kind(self, terms: OfferTerms) -> str:
        return str(OfferKind(terms.kind).label)

    def terms(self, terms: OfferTerms) -> str:
        return in_reader_language(terms.terms_es, terms.terms_en)

    def one(self, terms: OfferTerms, value: int) -> str:
        """One of the three amounts."""
        return percent(value, self.market.locale) if terms.is_share else self.money(value)

    def usual(self, terms: OfferTerms) -> str:
        """The usual amount alone; nothing for what has no worth in money."""
        return "" if terms.maximum == 0 else self.one(terms, terms.default)

    def range(self, terms: OfferTerms) -> str:
        """From the lowest to the highest; nothing where there is no choice."""
        if terms.minimum == terms.maximum:
            return ""
        return _("%(low)s to %(high)s") % {
            "low": self.one(terms, terms.minimum),
            "high": self.one(terms, terms.maximum),
        }

    def amounts(self, terms: OfferTerms) -> str:
        """The usual amount, and the range where there is one."""
        span = self.range(terms)
        usual = self.one(terms, terms.default)
        return _("%(usual)s, from %(range)s") % {"usual": usual, "range": span} if span else usual

    def conditions(self, terms: OfferTerms) -> list[str]:
        """What holds beside the amount, the most telling first."""
        found = [self.range(terms)]
        if terms.is_share and terms.cap_minor is not None:
            found.append(_("never above %(amount)s") % {"amount": self.money(terms.cap_minor)})
        if terms.kind in COUPON_KINDS:
            found.append(self.days(terms.validity_days))
        if terms.approval_from_minor is not None:
            amount = self.money(terms.approval_from_minor)
            found.append(_("approval from %(amount)s") % {"amount": amount})
        if terms.per_customer:
            found.append(self.frequency(terms))
        if terms.usable_at:
            found.append(_("only in %(places)s") % {"places": self.where(terms)})
        if terms.is_statutory:
            found.append(_("owed by law, outside limits"))
        return [one for one in found if one]

    def days(self, number: int) -> str:
        return ngettext("%(days)s day", "%(days)s days", number) % {"days": number}

    def frequency(self, terms: OfferTerms) -> str:
        words = ngettext(
            "once in %(span)s per customer",
            "%(times)s times in %(span)s per customer",
            terms.per_customer,
        )
        return words % {
            "times": terms.per_customer,
            "span": self.days(terms.per_customer_days),
        }

    def where(self, terms: OfferTerms) -> str:
        return ", ".join(self.places.get(code, code) for code in terms.usable_at)

    def value(self, terms: OfferTerms, field: str) -> str:
        """One field as a difference shows it; a dash where there is nothing."""
        if field == "amounts":
            return self.amounts(terms)
        value = getattr(terms, field)
        if field in {"cap_minor", "approval_from_minor"}:
            return NOTHING if value is None else self.money(value)
        words = {
            "kind": lambda: self.kind(terms),
            "basis": lambda: (
                _("share of the amount at stake") if terms.is_share else _("fixed amount")
            ),
            "expected_cost_bp": lambda: percent(value, self.market.locale),
            "validity_days": lambda: self.days(value),
            "per_customer_days": lambda: self.days(value) if value else NOTHING,
            "usable_at": lambda: self.where(terms) or _("everywhere"),
            "is_statutory": lambda: _("yes") if value else _("no"),
        }
        return words[field]() if field in words else str(value or NOTHING)
