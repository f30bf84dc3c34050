"""What several journeys do: logging a case by keyboard, granting, reading a mail, the counter."""

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

# Four groups that stand alone: the middle of a UUID of digits only is not one.
CODE = re.compile(r"(?<![\w-])[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}(?![\w-])")
CASE = re.compile(r"/incidents/MX-\d{4}-\d+/")
GIVEN = re.compile("#given")
DELIVERED = re.compile("Entregado|Delivered")
NARRATIVE = "Llegamos a las tres y la habitación seguía ocupada; esperamos dos horas con los niños."
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}


class Keyboard:
    """Presses keys and counts them, apart from the customer's own words."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.count += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.count += len(text)


def fill_case(page: Page, name: str, email: str) -> int:
    """By keyboard alone: a new customer and what happened; gives the keys beyond their words."""
    keys = Keyboard(page)
    keys.press("c")
    page.wait_for_url("**/incidents/new/")
    expect(page.locator("#id_customer")).to_be_focused()
    # Name and address are the customer's own words, like the narrative.
    page.keyboard.type(name)
    page.wait_for_function(
        "name => [...document.querySelectorAll('[role=option]')]"
        ".at(-1)?.textContent.includes(name)",
        arg=name,
    )
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(page.locator("#new-customer input[name=new_phone]")).to_be_focused()
    keys.press("Tab")
    page.keyboard.type(email)
    page.locator("select[name=category]").focus()
    keys.type("Habitaci")
    page.locator("#intake-panel").get_by_text(re.compile(r"\$")).first.wait_for()
    page.locator("textarea[name=narrative]").focus()
    page.keyboard.type(NARRATIVE)
    return keys.count


def log_case(page: Page, name: str, email: str) -> tuple[str, int, float]:
    """Logs a case. Gives the folio, the keys beyond the customer's words, and the seconds."""
    started = time.monotonic()
    keys = fill_case(page, name, email)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(CASE)
    folio = re.search(r"MX-\d{4}-\d+", page.url)
    assert folio is not None
    page.locator("input[name=offer]:not([disabled])").first.wait_for()
    return folio[0], keys + 1, started


def new_case(page: Page, name: str = "Mariana Prueba") -> str:
    """A case of somebody who was never seen before; the page shows it. Gives the folio."""
    page.goto("/")
    moment = time.time_ns()
    return log_case(page, f"{name} {moment % 100_000}", f"c.{moment}@example.com")[0]


def cards(page: Page) -> Locator:
    """The offers that may be granted now."""
    return page.locator("label:has(input[name=offer]:not([disabled]))")


def coupon_card(page: Page) -> int:
    """The place, from 1, of the first offer that gives a coupon: it says its days."""
    found = [card for card in range(cards(page).count()) if _is_coupon(cards(page).nth(card))]
    return found[0] + 1


def _is_coupon(card: Locator) -> bool:
    return re.search(r"\d (días|days)", card.inner_text()) is not None


def grant_first_coupon(page: Page) -> None:
    """One key picks a coupon, one grants it."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(str(coupon_card(page)))
    page.keyboard.press("Control+Enter")
    page.wait_for_url(GIVEN)


def link_in_mail(page: Page, name: str) -> str:
    """The link in the newest message to a customer, as the mailbox shows it."""
    page.goto("/mailbox/")
    page.get_by_role("row").filter(has_text=name).get_by_role("link").first.click()
    page.wait_for_url(re.compile("/mailbox/.+"))
    body = page.locator("body").inner_text()
    found = re.search(r"http://127\.0\.0\.1:\d+/p/[A-Za-z0-9_-]+/", body)
    assert found is not None, body
    return found[0]


def code_behind(page: Page, link: str) -> str:
    """The code that the customer reads behind their link."""
    page.goto(link)
    code = CODE.search(page.locator("body").inner_text())
    assert code is not None
    return code[0]


def check_code(page: Page, code: str) -> bool:
    """Types a code at the counter; True where the page shows what it is worth."""
    page.goto("/counter/")
    place = page.locator("input[name=location]")
    if place.count():
        place.first.check(force=True)
        page.locator("main form button[type=submit]").first.click()
    page.fill("input[name=code]", code.lower().replace("-", " "))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    return page.url.rstrip("/").endswith("/counter/coupon")


def use_at_counter(page: Page, code: str) -> bool:
    """Types a code at the counter and redeems it; False when it is refused."""
    if not check_code(page, code):
        return False
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/counter/redemptions/"))
    return True
