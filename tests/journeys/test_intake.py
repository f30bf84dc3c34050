"""Intake by keyboard: where the focus goes, what is put back, what stays in sight."""

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched

from .walking import NARRATIVE, fill_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def start_afresh(page: Page) -> None:
    """Intake with nothing in it, whatever a person left there."""
    page.goto("/incidents/new/")
    again = page.get_by_role("button", name=re.compile("Start over|Empezar"))
    if again.count():
        again.click()
        page.wait_for_load_state("load")


def choose_category(page: Page) -> None:
    page.locator("select[name=category]").select_option(index=2)
    page.locator("#intake-panel").get_by_text(re.compile(r"\$")).first.wait_for()


def test_a_refused_form_leads_to_its_first_faulty_box(person: Callable[..., Watched]) -> None:
    page = person("walter").page
    page.goto("/")
    fill_case(page, "Ana Renglón", "trial@@example")
    page.locator("[name=amount]").fill("-50")
    page.keyboard.press("Control+Enter")
    summary = page.locator("#intake").get_by_role("alert")
    expect(summary.get_by_role("link")).to_have_count(2)
    expect(page.locator("[name=new_email]")).to_be_focused()
    page.locator("[name=new_email]").fill("ana.renglon@example.com")
    page.keyboard.press("Control+Enter")
    expect(summary.get_by_role("link")).to_have_count(1)
    expect(page.locator("[name=amount]")).to_be_focused()
    expect(page.locator("[name=amount]")).to_be_in_viewport(ratio=1)
    start_afresh(page)


def test_a_pick_goes_on_and_a_return_types_over(person: Callable[..., Watched]) -> None:
    page = person("walter").page
    page.goto("/customers/")
    name = page.locator("[data-row-link]").first.inner_text().strip()
    start_afresh(page)
    box = page.locator("#id_customer")
    expect(box).to_be_focused()
    page.keyboard.type("Renata Alc")
    page.locator("#id_order_ref").focus()
    # Who comes back types over what the box holds.
    box.focus()
    page.keyboard.type(name)
    expect(box).to_have_value(name)
    page.locator("[role=option]", has_text=name).first.wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("select[name=category]")).to_be_focused()
    expect(page.locator("#id_customer-value")).to_have_value(re.compile("-"))
    start_afresh(page)


def test_what_is_put_back_in_the_tab_is_followed_up(person: Callable[..., Watched]) -> None:
    page = person("walter").page
    start_afresh(page)
    # Left before the draft could be kept on the server.
    page.route("**/incidents/new/draft/", lambda route: route.abort())
    choose_category(page)
    page.locator("[name=narrative]").fill(NARRATIVE)
    page.goto("/incidents/")
    page.goto("/incidents/new/")
    expect(page.locator("[name=narrative]")).to_have_value(NARRATIVE)
    page.locator("#intake-panel").get_by_text(re.compile(r"\$")).first.wait_for()
    expect(page.locator("[name=severity]:checked")).to_have_count(1)
    expect(page.locator("#intake-words li").first).to_be_visible()
    expect(page.locator("[data-back-in]")).to_be_visible()
    page.locator("[data-back-in]").get_by_role("button").click()
    expect(page.locator("[name=narrative]")).to_have_value("")
    expect(page.locator("[data-back-in]")).to_be_hidden()


def test_long_words_are_counted_and_never_cut(person: Callable[..., Watched]) -> None:
    page = person("walter").page
    start_afresh(page)
    page.route("**/incidents/new/draft/", lambda route: route.abort())
    words = page.locator("[name=narrative]")
    echo = page.locator("[data-room-echo]")
    words.fill("a" * 4700)
    expect(echo).to_be_hidden()
    words.fill("a" * 4880)
    expect(echo).to_contain_text("120")
    words.fill("a" * 5010)
    expect(echo).to_contain_text("10")
    expect(words).to_have_value("a" * 5010)
    start_afresh(page)


def test_the_acts_stay_in_sight(person: Callable[..., Watched]) -> None:
    page = person("walter", viewport={"width": 1280, "height": 800}).page
    start_afresh(page)
    page.route("**/incidents/new/draft/", lambda route: route.abort())
    choose_category(page)
    expect(page.locator("#intake .btn-primary")).to_be_in_viewport(ratio=1)
    page.goto("/incidents/?state=open&severity=critical")
    page.locator("[data-row-link]").first.click()
    expect(page.locator("#offers .grant-part .btn")).to_be_in_viewport(ratio=1)


def test_a_draft_is_saved_by_the_markets_clock(person: Callable[..., Watched]) -> None:
    page = person("lucia", timezone_id="Asia/Tokyo").page
    start_afresh(page)
    page.locator("textarea[name=narrative]").fill("Espera en recepción.")
    status = page.locator("[data-draft-status]")
    expect(status).to_have_text(re.compile(r"\d\d:\d\d"))
    now = dt.datetime.now(ZoneInfo("America/Mexico_City"))
    times = {f"{now - dt.timedelta(minutes=ago):%H:%M}" for ago in (0, 1)}
    assert status.inner_text()[-5:] in times
    start_afresh(page)
