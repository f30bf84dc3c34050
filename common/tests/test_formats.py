"""Dates as each language writes them."""

import datetime as dt

import pytest
from django.utils import translation
from django.utils.formats import date_format

from common.money import format_money, parse_money


@pytest.mark.parametrize(("language", "written"), [("en", "Jan 6, 2027"), ("es", "06/01/2027")])
def test_a_day_is_not_taken_for_a_month(language: str, written: str) -> None:
    with translation.override(language):
        assert date_format(dt.date(2027, 1, 6), "SHORT_DATE_FORMAT") == written


@pytest.mark.parametrize(
    "name", ["DATE_FORMAT", "SHORT_DATE_FORMAT", "DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"]
)
def test_english_has_one_way_to_write_a_moment(name: str) -> None:
    with translation.override("en"):
        written = date_format(dt.datetime(2026, 11, 8, 9, 5, tzinfo=dt.UTC), name)
        assert date_format(dt.datetime(2026, 1, 1, 12, 12, tzinfo=dt.UTC), "TIME_FORMAT") == "12:12"
    assert written == ("Nov 8, 2026, 09:05" if "TIME" in name else "Nov 8, 2026")


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "written"),
    [
        (500_00, "MXN", "es-MX", "$500.00"),
        (-500_00, "MXN", "es-MX", "\u2212$500.00"),
        (15_000_00, "COP", "es-CO", "$\xa015.000"),
        (1_234_50, "PEN", "es-PE", "S/\xa01,234.50"),
        (1_234_50, "EUR", "es-ES", "1.234,50\xa0\u20ac"),
        (1_234_50, "BRL", "en-US", "BRL\xa01,234.50"),
    ],
)
def test_the_symbol_stands_where_its_market_has_it(
    minor: int, currency: str, locale: str, written: str
) -> None:
    assert format_money(minor, currency, locale) == written
    assert parse_money(written.removeprefix("\u2212"), currency, locale) == abs(minor)
