"""The pictures in docs/, made anew: `make screenshots`. Walks the product as people do."""

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.journeys.walking import (
    CASE,
    DELIVERED,
    cards,
    check_code,
    code_behind,
    fill_case,
    grant_first_coupon,
    link_in_mail,
)
from tests.support.browser import Crew, chromium
from tests.support.stack import ROOT, running_stack

PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 250_000
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "locale": "es-MX"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "locale": "es-MX"}
# What supervisors and finance open: who, where, the picture's name and theme.
OFFICE = (
    ("raul", "/approvals/", "approvals-light", "light"),
    ("raul", "/reports/issuance/", "issuance-light", "light"),
    ("raul", "/reports/issuance/", "issuance-dark", "dark"),
    ("elena", "/scales/MX/4/edit/", "scale-light", "light"),
    ("elena", "/finance/", "liability-light", "light"),
)
CUSTOMER = "Mariana Ocampo Rivas"


def _draw(page: Page, name: str) -> Path:
    """The screen as it is, without a caret. Raises SystemExit for too large a file."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    size = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(ROOT)}  {size // 1000} kB\n")
    if size > MOST_BYTES:
        raise SystemExit(f"{name} is larger than {MOST_BYTES // 1000} kB")
    return path


def _top(page: Page) -> None:
    """Without a focus ring and from the top, as the page opens."""
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")


def _case(agent: Page) -> str:
    """A case in the middle of its life: steps, a delivered coupon, a note. Gives its address."""
    agent.keyboard.press("Control+Enter")
    agent.wait_for_url(CASE)
    address = agent.url
    cards(agent).first.wait_for()
    for _step in ("apologise", "explain"):
        agent.locator("#recovery form[action$='/steps/'] button").first.click()
        agent.wait_for_load_state()
    agent.goto(address)
    grant_first_coupon(agent)
    expect(agent.locator("#given")).to_contain_text(DELIVERED, timeout=30_000)
    agent.fill("textarea[name=body]", "Ya está en la 512, con vista al mar. Llamar por la tarde.")
    agent.locator("form[action$='/notes/'] button[type=submit]").click()
    agent.wait_for_load_state()
    return address


def draw_all(crew: Crew) -> None:
    """Every picture: the main job in its order, then the offices behind it."""
    agent = crew.enter("lucia", color_scheme="light", **DESK).page
    agent.goto("/incidents/")
    _draw(agent, "list-light")
    fill_case(agent, CUSTOMER, "mariana.ocampo@example.com")
    _top(agent)
    _draw(agent, "intake-light")
    address = _case(agent)
    for theme in ("light", "dark"):
        desk = crew.enter("lucia", color_scheme=theme, **DESK).page
        desk.goto(address)
        _draw(desk, f"desk-{theme}")
    link = link_in_mail(agent, CUSTOMER)
    customer = crew.enter(color_scheme="light", **PHONE).page
    code = code_behind(customer, link)
    _draw(customer, "coupon-phone")
    cashier = crew.enter("carmen", color_scheme="light", **PHONE).page
    if not check_code(cashier, code):
        raise SystemExit("the counter does not take the coupon that was just granted")
    _draw(cashier, "counter-phone")
    for who, address, name, theme in OFFICE:
        page = crew.enter(who, color_scheme=theme, **DESK).page
        page.goto(address)
        _draw(page, name)


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with running_stack() as stack, chromium() as browser:
        crew = Crew(browser, stack.address)
        draw_all(crew)
        faults = crew.leave()
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
