"""Phones as people write them."""

import pytest

from common.contacts import normalise_phone
from common.errors import InvalidInput


@pytest.mark.parametrize(
    "typed",
    [
        "998 765 4321",
        "+52 998 765 4321",
        "+52 1 998 765 4321",
        "5219987654321",
        "00 52 1 998 765 4321",
        "044 998 765 4321",
        "045 998 765 4321",
        "01 998 765 4321",
        "+52 01 998 765 4321",
        "+52 (1) 998-765-4321",
    ],
)
def test_every_mexican_form_is_one_number(typed: str) -> None:
    assert normalise_phone(typed, "MX") == "+529987654321"


def test_the_old_mobile_form_is_known_abroad() -> None:
    assert normalise_phone("+52 1 998 765 4321", "CO") == "+529987654321"


@pytest.mark.parametrize("typed", ["1 305 555 1234", "044 998 765", "046 998 765 4321"])
def test_what_no_mexican_dials_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        normalise_phone(typed, "MX")


@pytest.mark.parametrize(
    ("typed", "country", "value"),
    [
        ("03 300 123 4567", "CO", "+573001234567"),
        ("601 234 5678", "CO", "+576012345678"),
        ("(60)(1) 234 5678", "CO", "+576012345678"),
        ("01 234 5678", "PE", "+5112345678"),
        ("+1 998 765 4321", "MX", "+19987654321"),
    ],
)
def test_other_countries_stay_as_they_were(typed: str, country: str, value: str) -> None:
    assert normalise_phone(typed, country) == value
