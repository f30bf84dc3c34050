"""What a version of the scale says, as plain values: cells, terms of offers, and their bounds.

A cell is a category, a severity and a segment; None and the empty segment mean any. Nothing here is
kept in memory: drafts change. The live scale as the desk reads it is in `scale`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple, TypeVar

from django.utils.translation import gettext as _

from common.money import MAX_MINOR

from .models import Offer, ScaleRule, ScaleVersion
from .states import Basis, OfferKind

T = TypeVar("T")

MOST_OFFERS = 12
WHOLE = 10_000  # basis points
LONGEST_VALIDITY = 1_825  # days, as the database has it
MOST_TIMES, LONGEST_SPAN = 100, 1_825
LONGEST = {"name_es": 80, "name_en": 80, "terms_es": 400, "terms_en": 400}


class Cell(NamedTuple):
    """A place of the scale."""

    category_id: int | None
    severity: str
    segment: str

    @property
    def key(self) -> str:
        """How pages name it: `12-moderate-vip`, `any-minor-any`."""
        return f"{self.category_id or 'any'}-{self.severity}-{self.segment or 'any'}"


def read_key(key: str) -> Cell | None:
    """The cell of a page's name for it; None where it is not one."""
    parts = key.split("-")
    if len(parts) != 3 or not (parts[0] == "any" or (parts[0].isdecimal() and len(parts[0]) < 16)):
        return None
    category = None if parts[0] == "any" else int(parts[0])
    return Cell(category, parts[1], "" if parts[2] == "any" else parts[2])


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """One offer as finance writes it. Amounts as in `models.Offer`: minor units, basis points."""

    kind: str
    name_es: str
    name_en: str
    minimum: int
    default: int
    maximum: int
    terms_es: str = ""
    terms_en: str = ""
    basis: str = Basis.FIXED.value
    cap_minor: int | None = None
    expected_cost_bp: int = WHOLE
    validity_days: int = 90
    usable_at: tuple[str, ...] = ()
    per_customer: int = 0
    per_customer_days: int = 0
    approval_from_minor: int | None = None
    is_statutory: bool = False

    @classmethod
    def of(cls, offer: Offer) -> "OfferTerms":
        values = {field.name: getattr(offer, field.name) for field in fields(cls)}
        return cls(**{**values, "usable_at": tuple(sorted(offer.usable_at))})

    def as_row(self, rule: ScaleRule, position: int) -> Offer:
        """An unsaved row of a rule."""
        values = asdict(self)
        return Offer(rule=rule, position=position, **{**values, "usable_at": list(self.usable_at)})

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "usable_at": list(self.usable_at)}

    @property
    def is_share(self) -> bool:
        return self.basis == Basis.PERCENT

    @property
    def brief(self) -> str:
        """For the audit trail: what it is and its amounts."""
        return f"{self.kind} {self.name_es}: {self.minimum}/{self.default}/{self.maximum}" + (
            " bp" if self.is_share else ""
        )


Offers = tuple[OfferTerms, ...]
Content = Mapping[Cell, Offers]


def content_of(version: ScaleVersion | int) -> dict[Cell, Offers]:
    """Every cell that has a rule, with its offers in order; two queries."""
    key = version if isinstance(version, int) else version.pk
    rules = ScaleRule.objects.filter(version_id=key).prefetch_related("offers")
    return {
        Cell(rule.category_id, rule.severity, rule.segment): tuple(
            OfferTerms.of(offer) for offer in rule.offers.all()
        )
        for rule in rules
    }


def candidates(
    category_id: int | None, parent_id: int | None, severity: str, segment: str
) -> Iterator[Cell]:
    """Where a rule is looked for, the most specific place first: the category over its parent over
    any, then the segment over any."""
    for category in (category_id, parent_id, None):
        for wanted in (segment, ""):
            yield Cell(category, severity, wanted)


def applying(
    content: Mapping[Cell, T],
    category_id: int | None,
    parent_id: int | None,
    severity: str,
    segment: str,
) -> Cell | None:
    """The cell whose rule applies; None in a hole."""
    places = candidates(category_id, parent_id, severity, segment)
    return next((cell for cell in places if cell in content), None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an offer cannot be written so: its place in the cell from 0, the field, the words."""

    place: int
    field: str
    words: str


def problems(offers: Sequence[OfferTerms], locations: frozenset[str]) -> list[Problem]:
    """What is out of bounds in a cell's offers; `locations` are the market's codes."""
    found = [
        Problem(place, field, words)
        for place, terms in enumerate(offers)
        for field, words in _of_one(terms, locations)
    ]
    seen: set[tuple[str, str]] = set()
    for place, terms in enumerate(offers):
        # How often a customer had an offer is counted by its kind and name.
        name = (terms.kind, terms.name_es.casefold())
        if name in seen:
            found.append(Problem(place, "name_es", _("Another offer of this cell has this name.")))
        seen.add(name)
    if len(offers) > MOST_OFFERS:
        words = _("A cell holds at most %(most)s offers.") % {"most": MOST_OFFERS}
        found.append(Problem(MOST_OFFERS, "kind", words))
    return found


def _of_one(terms: OfferTerms, locations: frozenset[str]) -> Iterator[tuple[str, str]]:
    if terms.kind not in OfferKind.values:
        yield "kind", _("Choose a kind of offer.")
    for name in ("name_es", "name_en"):
        if not getattr(terms, name).strip():
            yield name, _("Write the name in both languages: customers read theirs.")
    for name, most in LONGEST.items():
        if len(getattr(terms, name)) > most or "\x00" in getattr(terms, name):
            yield name, _("Use at most %(most)s letters.") % {"most": most}
    yield from _of_amounts(terms)
    if not 0 <= terms.expected_cost_bp <= WHOLE:
        yield "expected_cost_bp", _("The expected cost is at most the face value.")
    if not 1 <= terms.validity_days <= LONGEST_VALIDITY:
        words = _("Valid from 1 to %(most)s days.") % {"most": LONGEST_VALIDITY}
        yield "validity_days", words
    unknown = sorted(set(terms.usable_at) - locations)
    if unknown:
        words = _("No such location in this market: %(codes)s.")
        yield "usable_at", words % {"codes": ", ".join(unknown)[:100]}
    yield from _of_frequency(terms)


def _of_frequency(terms: OfferTerms) -> Iterator[tuple[str, str]]:
    if not 0 <= terms.per_customer <= MOST_TIMES:
        words = _("At most %(most)s times; leave it empty for no bound.") % {"most": MOST_TIMES}
        yield "per_customer", words
    elif not 0 <= terms.per_customer_days <= LONGEST_SPAN:
        yield "per_customer_days", _("At most %(most)s days.") % {"most": LONGEST_SPAN}
    elif bool(terms.per_customer) != bool(terms.per_customer_days):
        missing = "per_customer_days" if terms.per_customer else "per_customer"
        yield missing, _("Write both how often and in how many days, or neither.")


def _of_amounts(terms: OfferTerms) -> Iterator[tuple[str, str]]:
    if terms.basis not in Basis.values:
        yield "basis", _("Choose a fixed amount or a share.")
        return
    most = WHOLE if terms.is_share else MAX_MINOR
    for name in ("minimum", "default", "maximum"):
        if not 0 <= getattr(terms, name) <= most:
            yield (
                name,
                _("A share is at most the whole amount.")
                if terms.is_share
                else _("This amount is too large."),
            )
            return
    if terms.default < terms.minimum:
        yield "default", _("The usual amount is below the lowest one.")
    if terms.maximum < terms.default:
        yield "maximum", _("The highest amount is below the usual one.")
    if terms.is_share and not (terms.cap_minor and 0 < terms.cap_minor <= MAX_MINOR):
        yield "cap_minor", _("A share needs an amount that it never exceeds.")
    if not terms.is_share and terms.cap_minor is not None:
        yield "cap_minor", _("Only a share has an amount that it never exceeds.")
    approval = terms.approval_from_minor
    if approval is not None and not 0 <= approval <= MAX_MINOR:
        yield "approval_from_minor", _("This amount is too large.")
