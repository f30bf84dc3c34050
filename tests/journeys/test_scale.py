"""Finance changes the scale in a browser: by keyboard, past a second person, to an agent's desk."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Watched, scrolls_sideways, violations

from .walking import PHONE, new_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHEET = re.compile(r"/scales/MX/\d+/edit/")
CHANGES = re.compile(r"/scales/MX/\d+/changes/")
ROOM = re.compile("^Habitaci|^Room")
# The reason of the case that the agent logs here.
ARRIVAL = re.compile("^Llegada|^Arrival|^Check")
SAVED = re.compile("Guardad|Saved")


def new_draft(page: Page) -> None:
    """A draft of the live version; the sheet shows it."""
    page.goto("/scales/")
    page.locator(".actions form button").click()
    page.wait_for_url(SHEET)


def cell(page: Page, name: re.Pattern[str], column: int) -> Locator:
    """A cell of the row of a reason."""
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name)).first
    return row.get_by_role("gridcell").nth(column)


def key_of(place: Locator) -> str:
    return place.get_attribute("data-cell") or ""


def here(page: Page) -> str:
    """The cell that has the focus."""
    return str(page.evaluate("document.activeElement?.dataset?.cell ?? ''"))


def tab_to_sheet(page: Page) -> None:
    for _press in range(60):
        page.keyboard.press("Tab")
        if here(page):
            return
    raise AssertionError("Tab never reached the sheet")


def type_amounts(page: Page, text: str, then: str = "Enter") -> None:
    """Replaces what the cell holds; waits until the server has it."""
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    with page.expect_response(re.compile("/cells/")) as answered:
        page.keyboard.press(then)
    assert answered.value.status == 200, answered.value.text()
    expect(page.locator("[data-grid-input]")).to_have_count(0)


def press_and_wait(page: Page, keys: str) -> int:
    """Presses keys that change the sheet; the answer's status."""
    with page.expect_response(re.compile("/cells/")) as answered:
        page.keyboard.press(keys)
    expect(page.locator("[data-scale-grid][aria-busy]")).to_have_count(0)
    return answered.value.status


def test_a_change_of_the_scale_reaches_an_agents_desk(person: Callable[..., Watched]) -> None:
    author = person("elena").page
    new_draft(author)
    usual = f"{150 + time.time_ns() % 700}.50"
    cell(author, ARRIVAL, 0).focus()
    # The first offer of each severity gets an amount that nothing else has.
    for column, then in enumerate(("Tab", "Tab", "Enter")):
        offers = cell(author, ARRIVAL, column).get_attribute("data-amounts") or ""
        rest = offers.split("; ")[1:]
        type_amounts(author, "; ".join([f"111/{usual}/900", *rest]), then)
    expect(cell(author, ARRIVAL, 1)).to_contain_text(usual)
    expect(cell(author, ARRIVAL, 1).locator("del")).to_have_count(1)
    author.keyboard.press("Control+Enter")
    author.wait_for_url(CHANGES)
    expect(author.locator("del").first).to_be_visible()
    author.locator("textarea[name=note]").fill("Llegada: mismo importe en toda gravedad.")
    author.keyboard.press("Control+Enter")
    expect(author.locator(".page-head")).to_contain_text(re.compile("revisi[oó]n|review"))
    # Nobody decides what they wrote.
    expect(author.locator("form[action$='/approve/']")).to_have_count(0)
    address = author.url

    reviewer = person("martin").page
    reviewer.goto(address)
    expect(reviewer.locator("ins").first).to_be_visible()
    with reviewer.expect_navigation():
        reviewer.keyboard.press("Control+Enter")
    expect(reviewer.locator("form[action$='/approve/']")).to_have_count(0)

    # As soon as approved: a worker makes it live, and the desk offers it at once.
    for _look in range(60):
        reviewer.reload()
        if re.search("Vigente|Live", reviewer.locator(".page-head").inner_text()):
            break
        reviewer.wait_for_timeout(1000)
    agent = person("lucia").page
    new_case(agent)
    expect(agent.locator("main")).to_contain_text(usual)
    agent.goto("/scales/")
    expect(agent.locator("main")).to_contain_text(usual)
    expect(agent.locator(".actions form")).to_have_count(0)


def test_the_sheet_by_keyboard_alone(person: Callable[..., Watched]) -> None:
    watched = person("martin")
    page = watched.page
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    new_draft(page)
    tab_to_sheet(page)
    # To the row of the room and along it.
    target = key_of(cell(page, ROOM, 1))
    page.keyboard.press("ArrowRight")
    for _press in range(60):
        if here(page) == target:
            break
        page.keyboard.press("ArrowDown")
    assert here(page) == target
    place = page.locator(f"[data-cell='{target}']")
    before = place.get_attribute("data-amounts") or ""
    first = before.split("; ")[0]
    low, _usual, high = first.split("/")

    # One amount inside the range changes the usual one; the cell says old and new.
    type_amounts(page, low)
    assert here(page) != target
    page.keyboard.press("ArrowUp")
    assert here(page) == target
    expect(place).to_have_attribute("data-amounts", before.replace(first, f"{low}/{low}/{high}", 1))
    expect(place.locator("del")).to_have_count(1)

    # What cannot be stays where it was typed and says why; Esc gives up.
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("7")
    assert press_and_wait(page, "Enter") == 422
    expect(page.locator("[data-grid-problem]")).to_be_visible()
    expect(page.locator("[data-grid-input]")).to_have_value("7")
    expect(page.locator("[data-grid-input]")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    expect(page.locator("[data-grid-problem]")).to_be_hidden()
    assert here(page) == target

    # Taken back.
    assert press_and_wait(page, "Control+z") == 200
    expect(place).to_have_attribute("data-amounts", before)
    expect(place.locator("del")).to_have_count(0)

    # Emptied, and put back.
    assert press_and_wait(page, "Delete") == 200
    expect(place).to_have_attribute("data-amounts", "")
    assert press_and_wait(page, "Control+z") == 200
    expect(place).to_have_attribute("data-amounts", before)

    # Copied whole to the cell beside it.
    beside = page.locator(f"[data-cell='{target.replace('moderate', 'minor')}']")
    was = beside.get_attribute("data-amounts")
    page.keyboard.press("Control+c")
    page.keyboard.press("ArrowLeft")
    assert press_and_wait(page, "Control+v") == 200
    expect(beside).to_have_attribute("data-amounts", before)
    assert press_and_wait(page, "Control+z") == 200
    expect(beside).to_have_attribute("data-amounts", was or "")

    # Two cells from a spreadsheet, starting at the first one.
    page.evaluate("text => navigator.clipboard.writeText(text)", "101/102/103\t201/202/203\n")
    page.keyboard.press("Control+v")
    expect(beside).to_have_attribute("data-amounts", re.compile("^101/102/103"))
    expect(place).to_have_attribute("data-amounts", re.compile("^201/202/203"))

    # Its offers open with a key, and saving comes back to the cell.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Alt+Enter")
    page.wait_for_url(re.compile(f"/cells/{target}/"))
    page.locator("[name=o0-name_es]").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Vale de prueba")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(f"/edit/.*#cell-{target}"))
    expect(place).to_contain_text("Vale de prueba")
    expect(place).to_be_focused()


def test_what_is_typed_is_all_in_sight(person: Callable[..., Watched]) -> None:
    text = "300/500/800; 600/800/1,200; 400; 5 %/10 %/15 %"
    for options in ({}, PHONE):
        page = person("elena", **options).page
        new_draft(page)
        for column in range(3):
            cell(page, ROOM, column).focus()
            page.keyboard.press("Enter")
            page.keyboard.press("Control+a")
            page.keyboard.type(text)
            editor = page.locator("[data-grid-input]")
            expect(editor).to_have_value(text)
            assert editor.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
            assert editor.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
            assert not scrolls_sideways(page)
            page.keyboard.press("Escape")
            expect(cell(page, ROOM, column)).to_be_focused()


def test_two_tabs_lose_nothing(person: Callable[..., Watched]) -> None:
    watched = person("elena")
    one = watched.page
    new_draft(one)
    two = watched.context.new_page()
    watched.watch(two)
    two.goto(one.url)
    cell(two, ROOM, 1).focus()
    type_amounts(two, "11/12/13")
    cell(one, ROOM, 0).focus()
    one.keyboard.press("Enter")
    one.keyboard.press("Control+a")
    one.keyboard.type("21/22/23")
    assert press_and_wait(one, "Enter") == 409
    # What the other tab did is shown, what was typed here is kept; saving again takes it.
    expect(one.locator("[data-grid-problem]")).to_contain_text("Elena")
    expect(cell(one, ROOM, 1)).to_have_attribute("data-amounts", re.compile("^11/12/13"))
    expect(one.locator("[data-grid-input]")).to_have_value("21/22/23")
    assert press_and_wait(one, "Enter") == 200
    expect(cell(one, ROOM, 0)).to_have_attribute("data-amounts", re.compile("^21/22/23"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_sheet_on_a_phone_is_a_list(person: Callable[..., Watched], theme: str) -> None:
    page = person("elena", **PHONE, color_scheme=theme, bypass_csp=True).page
    new_draft(page)
    assert not scrolls_sideways(page)
    assert violations(page) == {}
    place = cell(page, ROOM, 0)
    key = key_of(place)
    place.get_by_role("link").click()
    page.wait_for_url(re.compile(f"/cells/{key}/"))
    assert not scrolls_sideways(page)
    assert violations(page) == {}
    page.locator("button[name=do][value=add]").click()
    expect(page.locator("input[name=count]")).to_have_value(re.compile(r"\d"))
