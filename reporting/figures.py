"""How figures are written for people: counts, shares, amounts, changes, spans of time.

Marks are those of the market's locale, as for amounts; a dash stands for a figure that there is
none of. Nothing is computed here but the rounding of what is shown.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from accounts.models import Market
from common.money import SEPARATORS, WHOLE_BY_CUSTOM, digits, format_count, format_money

DASH = "\u2013"
MINUS = "\u2212"
NBSP = "\u00a0"
MINUTE, HOUR, DAY = 60, 3600, 86400


def ratio(part: int, whole: int) -> Fraction | None:
    """part / whole exactly; None where there is nothing to divide by."""
    return Fraction(part, whole) if whole else None


def rounded(value: Fraction | Decimal, places: int = 0) -> Decimal:
    """Half up, as people round."""
    exact = (
        Decimal(value.numerator) / Decimal(value.denominator)
        if isinstance(value, Fraction)
        else value
    )
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one market's figures."""

    currency: str
    locale: str

    @classmethod
    def of(cls, market: Market) -> "Writer":
        return cls(market.currency, market.locale)

    def _marks(self, text: str) -> str:
        thousands, point = SEPARATORS.get(self.locale, (",", "."))
        return text.translate({ord(","): thousands, ord("."): point})

    def count(self, number: int) -> str:
        return format_count(number, self.locale)

    def money(self, minor: int) -> str:
        return format_money(minor, self.currency, self.locale)

    def about(self, minor: Fraction | None) -> str:
        """A mean, rounded to what the currency is written in, so that it looks like the sums."""
        if minor is None:
            return DASH
        unit = 10 ** digits(self.currency) if self.currency in WHOLE_BY_CUSTOM else 1
        return self.money(int(rounded(minor / unit)) * unit)

    def share(self, value: Fraction | None, places: int = 0) -> str:
        """`0.7142` gives `71 %`."""
        if value is None:
            return DASH
        return self._marks(f"{rounded(value * 100, places)}") + f"{NBSP}%"

    def change(self, value: Fraction | None) -> str:
        """A difference as a signed share: `+6 %`, `0 %`; minus is U+2212."""
        if value is None:
            return DASH
        number = rounded(value * 100)
        sign = "+" if number > 0 else MINUS if number < 0 else ""
        return f"{sign}{self._marks(f'{abs(number):,}')}{NBSP}%"

    def points(self, value: Fraction | None) -> str:
        """The difference of two shares, in percentage points: `+0.4`."""
        if value is None:
            return DASH
        number = rounded(value * 100, 1)
        sign = "+" if number > 0 else MINUS if number < 0 else ""
        return f"{sign}{self._marks(f'{abs(number)}')}"

    def span(self, seconds: Fraction | int | None) -> str:
        """Two units at most: `3.8 min`, `2 h 5 min`, `1 d 4 h`."""
        if seconds is None:
            return DASH
        whole = int(seconds)
        if whole < 10 * MINUTE:
            minutes = self._marks(f"{rounded(Fraction(whole, MINUTE), 1)}")
            return _("%(minutes)s min") % {"minutes": minutes}
        if whole < HOUR:
            return _("%(minutes)s min") % {"minutes": whole // MINUTE}
        if whole < DAY:
            return _("%(hours)d h %(minutes)d min") % {
                "hours": whole // HOUR,
                "minutes": whole % HOUR // MINUTE,
            }
        return _("%(days)d d %(hours)d h") % {"days": whole // DAY, "hours": whole % DAY // HOUR}
