"""A table wider than its place: in sight that it goes on, and reached by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import Watched, violations

from .walking import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_table_that_scrolls_is_a_named_stop_and_one_that_fits_is_none(
    person: Callable[..., Watched],
) -> None:
    page = person("elena", **PHONE).page
    page.goto("/finance/journal/")
    accounts = page.get_by_role("region", name="Cada cuenta")
    expect(accounts).to_have_count(1)
    accounts.focus()
    expect(accounts).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(accounts).not_to_have_js_property("scrollLeft", 0)
    assert violations(page) == {}
    page.set_viewport_size({"width": 1600, "height": 900})
    expect(accounts).to_have_count(0)
    expect(page.locator(".table-wrap[tabindex]")).to_have_count(0)
