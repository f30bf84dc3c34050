"""Money as integer minor units with an ISO 4217 currency; its reading and its writing.

No float touches an amount. How an amount looks belongs to the market's locale, not to the reader.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext_lazy as _

from .errors import InvalidInput

MINOR_DIGITS = {"CLP": 0, "JPY": 0, "PYG": 0}
# Amounts of these currencies are written without their cents when there are none.
WHOLE_BY_CUSTOM = {"COP"}
SYMBOLS = {"MXN": "$", "COP": "$", "USD": "US$", "EUR": "€", "PEN": "S/", "CLP": "$"}
# (thousands, decimal) by locale; es-MX and es-PE write 1,234.50, es-CO and es-ES 1.234,50.
SEPARATORS = {"es-CO": (".", ","), "es-ES": (".", ","), "es-CL": (".", ",")}
# Where the symbol stands, as CLDR has it: es-CO and es-PE set it apart, es-ES puts it behind.
SHAPES = {
    "es-CO": "{symbol}\u00a0{number}",
    "es-PE": "{symbol}\u00a0{number}",
    "es-ES": "{number}\u00a0{symbol}",
}
MAX_MINOR = 10**12


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency."""

    minor: int
    currency: str


def digits(currency: str) -> int:
    """Decimal places of the currency's minor unit."""
    return MINOR_DIGITS.get(currency, 2)


def format_count(number: int, locale: str) -> str:
    """How many, with the thousands marks of the market: `3086` is `3,086` in Mexico."""
    return f"{number:,}".replace(",", SEPARATORS.get(locale, (",", "."))[0])


def format_amount(minor: int, currency: str, locale: str) -> str:
    """`162000, MXN, es-MX` gives `1,620.00`: as it goes into a box, without symbol and sign."""
    point = SEPARATORS.get(locale, (",", "."))[1]
    places = digits(currency)
    whole, rest = divmod(abs(minor), 10**places)
    text = format_count(whole, locale)
    if places and not (currency in WHOLE_BY_CUSTOM and rest == 0):
        text += f"{point}{rest:0{places}d}"
    return text


def format_money(minor: int, currency: str, locale: str) -> str:
    """`162000, MXN, es-MX` gives `$1,620.00`; no-break spaces, minus sign U+2212."""
    number = format_amount(minor, currency, locale)
    sign = "\u2212" if minor < 0 else ""
    symbol = SYMBOLS.get(currency, f"{currency}\u00a0")
    return sign + SHAPES.get(locale, "{symbol}{number}").format(symbol=symbol, number=number)


def parse_money(text: str, currency: str, locale: str) -> int:
    """Minor units from what a person typed, strictly in the market's format.

    Thousands marks are optional but must be in their places. Raises InvalidInput.
    """
    thousands, point = SEPARATORS.get(locale, (",", "."))
    places = digits(currency)
    symbol = SYMBOLS.get(currency, currency)
    bare = text.strip().removeprefix(symbol).removesuffix(symbol).strip()
    whole = rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    rest = rf"(?:{re.escape(point)}(\d{{1,{places}}}))?" if places else "()"
    match = re.fullmatch(rf"({whole}){rest}", bare, re.ASCII)
    if not match:
        example = format_money(123450 if places else 1234, currency, locale)
        raise InvalidInput(_("Write the amount like %(example)s.") % {"example": example})
    minor: int = int(match[1].replace(thousands, "")) * 10**places
    if match[2]:
        minor += int(match[2].ljust(places, "0"))
    if minor > MAX_MINOR:
        raise InvalidInput(_("This amount is too large."))
    return minor


def share(minor: int, basis_points: int) -> int:
    """`basis_points` ten-thousandths of an amount, rounded half up to a minor unit."""
    exact = Decimal(minor) * basis_points / 10_000
    return int(exact.to_integral_value(rounding=ROUND_HALF_UP))
