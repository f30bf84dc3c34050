"""A cell's amounts as one line of text: what a person types into the grid, copies and pastes.

Each offer is one amount, or lowest/usual/highest with slashes; offers are parted by semicolons:
`180/240/300; 25 %`. Numbers are written as the market writes them, without its currency's sign.
"""

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Market
from common.errors import InvalidInput
from common.money import SEPARATORS, digits, parse_money

from .scale_content import Offers, OfferTerms
from .scale_words import percent, read_percent


def _plain(minor: int, market: Market) -> str:
    """`123450` gives `1,234.50`, `24000` gives `240`."""
    thousands, point = SEPARATORS.get(market.locale, (",", "."))
    places = digits(market.currency)
    whole, rest = divmod(minor, 10**places)
    text = f"{whole:,}".replace(",", thousands)
    return f"{text}{point}{rest:0{places}d}" if rest else text


def _written(terms: OfferTerms, market: Market) -> str:
    values = (terms.minimum, terms.default, terms.maximum)
    if terms.is_share:
        texts = [percent(value, market.locale).replace("\u00a0", " ") for value in values]
    else:
        texts = [_plain(value, market) for value in values]
    return texts[0] if len(set(texts)) == 1 else "/".join(texts)


def written(offers: Sequence[OfferTerms], market: Market) -> str:
    """The amounts of a cell's offers; nothing for a cell without offers."""
    return "; ".join(_written(terms, market) for terms in offers)


def read(text: str, offers: Offers, market: Market) -> Offers:
    """The offers of a cell with the amounts of `text`. Raises InvalidInput with what to do.

    One amount alone changes the first offer's usual one, inside its range.
    """
    if not offers:
        raise InvalidInput(
            _("This cell has no offer yet. Open it to write one, or paste a whole cell.")
        )
    parts = [part.strip() for part in text.split(";")]
    if not any(parts):
        raise InvalidInput(_("Write an amount. To empty the cell, leave this and press Delete."))
    if len(parts) not in {1, len(offers)}:
        words = ngettext(
            "This cell has one offer.",
            "This cell has %(count)s offers: write one amount, or %(count)s with semicolons.",
            len(offers),
        )
        raise InvalidInput(words % {"count": len(offers)})
    changed = [_with(part, terms, market) for part, terms in zip(parts, offers, strict=False)]
    return (*changed, *offers[len(changed) :])


def _with(text: str, terms: OfferTerms, market: Market) -> OfferTerms:
    values = [_value(one, terms, market) for one in text.split("/")]
    if len(values) == 3:
        low, middle, high = values
    elif len(values) != 1:
        raise InvalidInput(_("Write one amount, or three: lowest/usual/highest."))
    elif terms.minimum == terms.maximum:
        low = middle = high = values[0]
    elif terms.minimum <= values[0] <= terms.maximum:
        low, middle, high = terms.minimum, values[0], terms.maximum
    else:
        raise InvalidInput(
            _("%(amount)s is outside the range. Write lowest/usual/highest, as now: %(now)s.")
            % {"amount": text.strip(), "now": _written(terms, market)}
        )
    return replace(terms, minimum=low, default=middle, maximum=high)


def _value(text: str, terms: OfferTerms, market: Market) -> int:
    if terms.is_share:
        return read_percent(text, market.locale)
    if text.strip().endswith("%"):
        raise InvalidInput(_("This offer is an amount, not a share."))
    return parse_money(text, market.currency, market.locale)
