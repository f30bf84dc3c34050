"""The main job in a browser on the whole product: a complaint becomes a coupon that works once."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Watched

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]

CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}")
NARRATIVE = "Llegamos a las tres y la habitación seguía ocupada; esperamos dos horas con los niños."


@pytest.fixture
def person(browser_now: Browser, address: str) -> Iterator[Callable[..., Watched]]:
    opened: list[Watched] = []

    def enter(username: str | None = None, **options: object) -> Watched:
        watched = Watched(browser_now, address, **options)
        opened.append(watched)
        if username:
            watched.sign_in(username)
        return watched

    yield enter
    faults = [fault for watched in opened for fault in watched.faults]
    for watched in opened:
        watched.close()
    assert faults == []


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


def log_case(page: Page, name: str, email: str) -> tuple[str, int, float]:
    """By keyboard alone: a new customer and their case.

    Gives the folio, the keys pressed beyond the customer's words, and the seconds it took.
    """
    keys = Keyboard(page)
    started = time.monotonic()
    keys.press("c")
    page.wait_for_url("**/incidents/new/")
    box = page.locator("#id_customer")
    expect(box).to_be_focused()
    # Name and address are the customer's own words, like the narrative.
    page.keyboard.type(name)
    option = page.locator("[role=option]").last
    option.wait_for()
    page.wait_for_function(
        "name => [...document.querySelectorAll('[role=option]')]"
        ".at(-1)?.textContent.includes(name)",
        arg=name,
    )
    keys.press("ArrowUp")
    keys.press("Enter")
    page.locator("#new-customer input").first.wait_for()
    page.locator("#new-customer input[type=email], #new-customer input[name*=email]").first.focus()
    page.keyboard.type(email)
    page.locator("select[name=category]").focus()
    keys.type("Habitaci")
    page.locator("#intake-panel").get_by_text(re.compile(r"\$")).first.wait_for()
    page.locator("textarea[name=narrative]").focus()
    page.keyboard.type(NARRATIVE)
    keys.press("Control+Enter")
    page.wait_for_url(re.compile(r"/incidents/MX-\d{4}-\d+/"))
    folio = re.search(r"MX-\d{4}-\d+", page.url)
    assert folio is not None
    cards = page.locator("input[name=offer]:not([disabled])")
    cards.first.wait_for()
    return folio[0], keys.count, started


def grant_first_coupon(page: Page) -> None:
    """One key picks a coupon, one grants it."""
    titles = page.locator("label:has(input[name=offer]:not([disabled]))")
    place = next(
        number
        for number in range(titles.count())
        if re.search(r"días|days", titles.nth(number).inner_text())
    )
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(str(place + 1))
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("given"))


def link_in_mail(page: Page, name: str) -> str:
    """The link in the newest message to a customer, as the mailbox shows it."""
    page.goto("/mailbox/")
    page.get_by_role("row").filter(has_text=name).get_by_role("link").first.click()
    body = page.locator("body").inner_text()
    found = re.search(r"http://127\.0\.0\.1:\d+/p/[A-Za-z0-9_-]+/", body)
    assert found is not None, body
    return found[0]


def test_a_complaint_becomes_a_coupon_that_works_once(person: Callable[..., Watched]) -> None:
    agent = person("lucia").page
    name = f"Mariana Prueba {time.time_ns() % 100_000}"
    folio, keys, started = log_case(agent, name, f"mariana.{time.time_ns()}@example.com")
    grant_first_coupon(agent)
    seconds = time.monotonic() - started
    assert keys + 2 <= 40, f"{keys} keys"
    assert seconds < 60, f"{seconds:.0f} s"
    expect(agent.locator("#given")).to_contain_text(
        re.compile("Entregado|Delivered"), timeout=30_000
    )
    # Staff never see the code, neither on the case nor behind the customer's link.
    assert CODE.search(agent.content()) is None
    link = link_in_mail(agent, name)
    agent.goto(link)
    assert CODE.search(agent.locator("body").inner_text()) is None

    customer = person(viewport={"width": 360, "height": 740}).page
    customer.goto(link)
    code = CODE.search(customer.locator("body").inner_text())
    assert code is not None

    cashier = person("carmen", viewport={"width": 360, "height": 740}).page
    assert use_at_counter(cashier, code[0])
    customer.reload()
    expect(customer.locator("body")).to_contain_text(re.compile("us[oó]|used", re.I))
    assert not use_at_counter(cashier, code[0])

    agent.goto(f"/incidents/{folio}/")
    expect(agent.locator("body")).to_contain_text(re.compile("Canjeado|Redeemed"))


def use_at_counter(page: Page, code: str) -> bool:
    """Types a code at the counter and redeems it; False when it is refused."""
    page.goto("/counter/")
    place = page.locator("input[name=location]")
    if place.count():
        place.first.check(force=True)
        page.locator("main form button[type=submit]").first.click()
    page.fill("input[name=code]", code.lower().replace("-", " "))
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    if not page.url.rstrip("/").endswith("/counter/coupon"):
        return False
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/counter/redemptions/"))
    return True


def test_notes_promises_and_the_end_of_a_case(person: Callable[..., Watched]) -> None:
    page = person("tomas").page
    page.goto("/incidents/?state=open")
    page.locator("[data-row-link]").first.click()
    page.wait_for_url(re.compile(r"/incidents/MX-"))
    page.fill(
        "textarea[name=body]", "Prefiere que le llamen por la tarde. <script>alert(1)</script>"
    )
    page.locator("form[action$='/notes/'] button[type=submit]").click()
    expect(page.locator(".timeline")).to_contain_text("<script>alert(1)</script>")
    address = page.url.split("#")[0]
    page.goto(address)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    page.locator("[name=resolution]").fill("Se cambió la habitación y se acompañó a la familia.")
    page.locator("form[action$='/resolve/'] button[type=submit]").click()
    page.wait_for_load_state("networkidle")
    expect(page.locator("body")).to_contain_text(re.compile("Resuelt|Resolved"))


def test_a_limit_says_which_and_how_much_is_left(person: Callable[..., Watched]) -> None:
    page = person("emma").page
    page.goto("/incidents/?state=open&severity=critical")
    page.locator("[data-row-link]").first.click()
    page.wait_for_url(re.compile(r"/incidents/MX-"))
    amounts = page.locator("input[name^=amount-]")
    card = page.locator("label:has(input[name=offer]:not([disabled]))").first
    card.click()
    visible = amounts.locator("visible=true")
    if visible.count() == 0:
        page.locator("label:has(input[name=offer]:not([disabled]))").nth(1).click()
    visible.first.fill("99,999.00")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Enter")
    alert = page.get_by_role("alert").or_(page.locator("[aria-invalid=true]"))
    expect(alert.first).to_be_visible()
    expect(page.locator("#offers")).to_contain_text("$")
    expect(visible.first).to_have_value("99,999.00")


def test_search_forgives_accents_and_slips(person: Callable[..., Watched]) -> None:
    page = person("lucia").page
    page.goto("/customers/")
    name = page.locator("[data-row-link]").first.inner_text().strip()
    plain = name.translate(str.maketrans("áéíóúñüÁÉÍÓÚÑ", "aeiounuAEIOUN")).lower()
    slipped = plain.replace("a", "aa", 1)
    for text in (plain, slipped):
        page.goto(f"/customers/?q={text}")
        expect(page.locator("main")).to_contain_text(name)
