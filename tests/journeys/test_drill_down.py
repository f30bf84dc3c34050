"""A supervisor asks what a number is made of, and the list says the number."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MONTH = "/reports/issuance/?period=30"


def _follow(page: Page, index: int) -> tuple[str, str]:
    """Clicks a number of the first agent's line; the number, and what the list's foot says."""
    link = page.locator(".issuance-table tbody tr").first.locator("a.adds").nth(index)
    number = link.inner_text()
    link.click()
    expect(page.locator(".issuance-total")).to_be_visible()
    foot = page.locator(".issuance-total").inner_text()
    return number, foot


def test_a_number_opens_the_list_that_adds_up_to_it(person: Callable[..., Watched]) -> None:
    page = person("walter").page
    page.goto("/")
    page.get_by_role("link", name="Issuance by agent").click()
    page.locator("details.menu summary", has_text="against").click()
    page.get_by_role("link", name="Last 30 days", exact=True).click()
    page.wait_for_url("**period=30**")
    for index in (0, 1, 2):
        number, foot = _follow(page, index)
        assert number in foot, (number, foot)
        assert violations(page) == {}
        page.get_by_role("link", name="Issuance by agent").last.click()
        expect(page.locator(".issuance-table")).to_be_visible()


def test_the_table_is_sorted_narrowed_and_taken_out(person: Callable[..., Watched]) -> None:
    page = person("elena").page
    page.goto(MONTH)
    page.locator(".issuance-table thead a").nth(1).click()
    head = page.locator(".issuance-table thead th[aria-sort=descending]")
    expect(head).to_have_count(1)
    cells = page.locator(".issuance-table tbody tr > td:nth-child(2)").all_inner_texts()
    counts = [int(cell.split()[0].replace(",", "")) for cell in cells]
    assert counts == sorted(counts, reverse=True)
    first = page.locator(".issuance-table tbody th a").first
    name = first.inner_text()
    first.click()
    expect(page.locator(".issuance-table tbody tr")).to_have_count(1)
    expect(page.locator(".chip-on", has_text=name)).to_be_visible()
    page.locator(".page-head details.menu summary").click()
    with page.expect_download() as waiting:
        page.locator(".page-head .menu-list a").last.click()
    assert waiting.value.suggested_filename.endswith(".csv")
    assert waiting.value.path().read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_page_is_whole_on_a_phone(person: Callable[..., Watched]) -> None:
    page = person("lucia", viewport={"width": 360, "height": 800}, color_scheme="dark").page
    page.goto("/reports/issuance/")
    page.wait_for_url("**/reports/issuance/me/")
    page.goto("/reports/issuance/me/?period=30")
    for table in page.locator(".chart summary", has_text="tabla").all():
        table.click()
    assert not scrolls_sideways(page)
    assert violations(page) == {}
