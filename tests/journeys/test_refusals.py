"""What stops a person, in a browser: limits, stale pages, doubled clicks. Nothing typed is lost."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched

from .walking import GIVEN, NARRATIVE, cards, coupon_card, fill_case, new_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _pick_with_amount(page: Page) -> None:
    """Picks the first offer beside which an amount can be typed."""
    for place in range(cards(page).count()):
        cards(page).nth(place).click()
        if page.locator("input[name^=amount-]:visible").count():
            return
    raise AssertionError("no offer of this case has a range")


@pytest.mark.parametrize("username", ["lucia", "emma"])
def test_a_limit_says_what_is_allowed_and_keeps_the_amount(
    username: str, person: Callable[..., Watched]
) -> None:
    page = person(username).page
    new_case(page)
    _pick_with_amount(page)
    box = page.locator("input[name^=amount-]:visible")
    box.fill("99,999.00")
    # At once, before anything is sent.
    expect(page.locator("[data-amount-echo]:visible").first).to_contain_text("$")
    page.keyboard.press("Control+Enter")
    message = page.locator("#offers").get_by_role("alert")
    expect(message).to_be_visible()
    expect(message).to_contain_text("$")
    expect(page.locator("#offers")).to_contain_text(re.compile("left|disponible|quedan", re.I))
    kept = page.locator("input[aria-invalid=true]")
    expect(kept).to_be_visible()
    expect(kept).to_have_value("99,999.00")
    expect(kept).to_be_focused()
    kept.fill("")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(GIVEN)
    expect(page.locator("#given .given")).to_have_count(1)


def test_above_the_most_there_is_nothing_to_ask_for(person: Callable[..., Watched]) -> None:
    page = person("lucia").page
    new_case(page)
    _pick_with_amount(page)
    box = page.locator("input[name^=amount-]:visible")
    box.fill("99,999.00")
    expect(page.locator("[data-amount-echo]:visible").first).to_contain_text("máximo")
    expect(page.locator("#grant-reason")).to_be_hidden()
    expect(page.locator("#offers .grant-part")).to_be_visible()
    expect(page.locator("#offers .ask-act")).to_be_hidden()


def test_a_doubled_click_grants_once(person: Callable[..., Watched]) -> None:
    page = person("lucia").page
    new_case(page)
    cards(page).nth(coupon_card(page) - 1).click()
    page.locator("#offers button[type=submit]:visible").dblclick(no_wait_after=True)
    page.wait_for_url(GIVEN)
    expect(page.locator("#given .given")).to_have_count(1)


def test_two_tabs_grant_once(person: Callable[..., Watched]) -> None:
    watched = person("lucia")
    page = watched.page
    folio = new_case(page)
    other = watched.context.new_page()
    watched.watch(other)
    other.goto(f"/incidents/{folio}/")
    place = coupon_card(page) - 1
    for tab in (page, other):
        cards(tab).nth(place).click()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(GIVEN)
    other.keyboard.press("Control+Enter")
    expect(other.locator("#offers").get_by_role("alert")).to_be_visible()
    expect(other.locator("#given .given")).to_have_count(1)


def test_a_stale_correction_shows_what_changed_and_keeps_the_text(
    person: Callable[..., Watched],
) -> None:
    first, second = person("lucia").page, person("tomas").page
    folio = new_case(first)
    for page in (first, second):
        page.goto(f"/incidents/{folio}/change/")
    first.locator("[name=order_ref]").fill("RES-4411")
    first.keyboard.press("Control+Enter")
    first.wait_for_url(lambda url: "/change" not in url)
    mine = f"{NARRATIVE} Nos ofrecieron agua."
    second.locator("[name=narrative]").fill(mine)
    second.keyboard.press("Control+Enter")
    expect(second.locator("main dl", has_text="RES-4411")).to_be_visible()
    expect(second.locator("[name=narrative]")).to_have_value(mine)
    # What the second one never touched is taken over, so that saving again undoes nothing.
    expect(second.locator("[name=order_ref]")).to_have_value("RES-4411")


def test_a_draft_outlives_a_reload(person: Callable[..., Watched]) -> None:
    page = person("emma").page
    page.goto("/")
    fill_case(page, "Ana Borrador", "ana.borrador@example.com")
    expect(page.locator("[data-draft-status]")).to_contain_text(
        re.compile(r"(Saved|Guardado).*\d", re.I), timeout=10_000
    )
    page.reload()
    expect(page.locator("textarea[name=narrative]")).to_have_value(NARRATIVE)
    expect(page.locator("[name=new_email]")).to_have_value("ana.borrador@example.com")
    page.get_by_role("button", name=re.compile("Start over|Empezar")).click()
    expect(page.locator("textarea[name=narrative]")).to_have_value("")
