"""A request, from the agent who asks to the customer's coupon, with three people at their pages."""

import re
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched

from .walking import CASE, CODE, DELIVERED, PHONE, code_behind, fill_case, link_in_mail

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ASK = re.compile("Pedir autorización|Ask for approval")
GRANT = re.compile("Otorgar y enviar|Grant and send")
GIFT_CARD = re.compile("[Tt]arjeta de regalo|[Gg]ift card")
WAITS = re.compile("Espera a|Waits for")
# A gift card may be granted alone below 2,200.
BELOW, ABOVE = "1,500", "2,300"
WHY = "Segunda falla del viaje; perdieron la cena de aniversario."


def _critical_case(page: Page, name: str) -> str:
    """Logs a critical case; the page shows it. Gives the folio."""
    page.goto("/")
    fill_case(page, name, f"r.{time.time_ns()}@example.com")
    page.locator("input[name=severity][value=critical]").check(force=True)
    page.locator("[name=severity_reason]").fill("Pasaron la noche sin habitación.")
    page.locator("[name=amount]").fill("18,500")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(CASE)
    found = re.search(r"MX-\d{4}-\d+", page.url)
    assert found is not None
    return found[0]


def _ask(page: Page) -> None:
    """A key picks the gift card; its amount turns the primary act; the reason is all that lacks."""
    card = page.locator("label.choice").filter(
        has_text=re.compile("[Tt]arjeta de regalo|[Gg]ift card")
    )
    key = card.locator("input[name=offer]").get_attribute("data-key")
    assert key is not None
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)
    amount = page.locator(".offer").filter(has=card).locator("input[data-amount]")
    amount.fill(BELOW)
    expect(page.get_by_role("button", name=GRANT)).to_be_visible()
    amount.fill(ABOVE)
    expect(page.get_by_role("button", name=GRANT)).to_be_hidden()
    expect(page.get_by_role("button", name=ASK)).to_be_visible()
    # Asked without a reason, the reason gets the focus and nothing typed is lost.
    page.keyboard.press("Control+Enter")
    expect(page.locator("#grant-reason")).to_be_focused()
    page.keyboard.type(WHY)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#given")).to_contain_text(WAITS)


def _find(page: Page, folio: str) -> None:
    """Goes down the inbox by its key until the request of a case is shown."""
    page.goto("/approvals/")
    for _step in range(40):
        if folio in page.locator("main").inner_text():
            return
        address = page.url
        page.keyboard.press("j")
        page.wait_for_function("before => location.href !== before", arg=address)
        page.wait_for_load_state()
    raise AssertionError(f"{folio} does not wait")


def _gaps(page: Page) -> list[int]:
    """Between each card of a request and the one below it in its column, in pixels."""
    cards = ["#request", "#case", "#year", "#month", "#decide"]
    boxes = [page.locator(f".approval {card}").bounding_box() for card in cards]
    columns: dict[float, list[tuple[float, float]]] = {}
    for box in boxes:
        assert box is not None
        columns.setdefault(box["x"], []).append((box["y"], box["y"] + box["height"]))
    return [
        round(below[0] - above[1])
        for column in columns.values()
        for above, below in pairwise(sorted(column))
    ]


@pytest.mark.parametrize(("width", "below"), [(1280, 3), (360, 4)])
def test_the_cards_of_a_request_stand_close(
    person: Callable[..., Watched], width: int, below: int
) -> None:
    # A scale that another journey published ended what the demo company left waiting.
    agent = person("lucia").page
    _critical_case(agent, f"Ofelia Prueba {time.time_ns() % 100_000}")
    _ask(agent)

    page = person("raul", viewport={"width": width, "height": 860}).page
    page.goto("/approvals/")
    for _request in range(3):
        assert _gaps(page) == [16] * below, page.url
        following = page.locator(".approvals-list a[rel=next]")
        if following.count() == 0:
            break
        page.goto(following.get_attribute("href") or "")


def test_a_request_becomes_the_customers_coupon(person: Callable[..., Watched]) -> None:
    agent = person("lucia").page
    name = f"Aurora Prueba {time.time_ns() % 100_000}"
    folio = _critical_case(agent, name)
    _ask(agent)

    supervisor = person("raul").page
    _find(supervisor, folio)
    expect(supervisor.locator("main")).to_contain_text(WHY)
    # A no needs its reason: the key leads to it.
    supervisor.keyboard.press("n")
    expect(supervisor.locator("#id_reason")).to_be_focused()
    supervisor.evaluate("document.activeElement.blur()")
    supervisor.keyboard.press("y")
    expect(supervisor.locator(".toast").first).to_be_visible()

    # Nobody reloads the agent's page.
    expect(agent.locator("#given")).to_contain_text(DELIVERED, timeout=60_000)
    assert CODE.search(agent.content()) is None
    customer = person(**PHONE).page
    assert code_behind(customer, link_in_mail(agent, name))
    supervisor.goto("/approvals/decided/")
    expect(supervisor.locator("main")).to_contain_text(folio)
