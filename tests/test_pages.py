"""The list of pages knows every page of the product that can be gone to by name."""

import pytest
from django.urls import reverse

from desk.pages import ACTIONS, PAGES
from tests.access.table import (
    ADMINISTRATION,
    COUNTER,
    DESK,
    LIMITS,
    MONEY,
    NIGHTS,
    SCALE,
    TRAIL,
    Row,
    nothing,
)

# Parts of a page, or the answer to what was typed on one.
NOT_BY_NAME = {
    "find",
    "intake-look-up",
    "counter-place",
    "counter-coupon",
    "liability-list",
}


def is_a_page(row: Row) -> bool:
    return row.kwargs is nothing and any(act.method == "GET" for act in row.acts)


@pytest.mark.parametrize(
    "table", [DESK, TRAIL, COUNTER, LIMITS, NIGHTS, MONEY, SCALE, ADMINISTRATION]
)
def test_no_page_is_missing(table: dict[str, Row]) -> None:
    known = {page.address for page in (*PAGES, *ACTIONS)} | NOT_BY_NAME
    assert {name for name, row in table.items() if is_a_page(row)} <= known


def test_each_page_has_an_address_of_its_own() -> None:
    for page in (*PAGES, *ACTIONS):
        assert page.address == "mailbox" or reverse(page.address)
