"""Dates as each language writes them."""

import datetime as dt

import pytest
from django.utils import translation
from django.utils.formats import date_format


@pytest.mark.parametrize(("language", "written"), [("en", "Jan 6, 2027"), ("es", "06/01/2027")])
def test_a_day_is_not_taken_for_a_month(language: str, written: str) -> None:
    with translation.override(language):
        assert date_format(dt.date(2027, 1, 6), "SHORT_DATE_FORMAT") == written
