"""The main job in a browser on the whole product: a complaint becomes a coupon that works once."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import Watched

from .walking import (
    CODE,
    DELIVERED,
    PHONE,
    code_behind,
    grant_first_coupon,
    link_in_mail,
    log_case,
    use_at_counter,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_complaint_becomes_a_coupon_that_works_once(person: Callable[..., Watched]) -> None:
    agent = person("lucia").page
    agent.goto("/")
    name = f"Mariana Prueba {time.time_ns() % 100_000}"
    folio, keys, started = log_case(agent, name, f"mariana.{time.time_ns()}@example.com")
    grant_first_coupon(agent)
    seconds = time.monotonic() - started
    assert keys + 2 <= 40, f"{keys} keys"
    assert seconds < 60, f"{seconds:.0f} s"
    expect(agent.locator("#given")).to_contain_text(DELIVERED, timeout=30_000)
    # The timeline says it in the same moment.
    expect(agent.locator(".timeline")).to_contain_text(DELIVERED)
    # Staff never see the code, neither on the case nor behind the customer's link.
    assert CODE.search(agent.content()) is None
    link = link_in_mail(agent, name)
    agent.goto(link)
    assert CODE.search(agent.locator("body").inner_text()) is None

    customer = person(**PHONE).page
    code = code_behind(customer, link)
    cashier = person("carmen", **PHONE).page
    assert use_at_counter(cashier, code)
    customer.reload()
    expect(customer.locator("body")).to_contain_text(re.compile("us[oó]|used", re.I))
    assert not use_at_counter(cashier, code)

    agent.goto(f"/incidents/{folio}/")
    expect(agent.locator("#given")).to_contain_text(re.compile("Canjeado|Redeemed"))


def test_a_slip_at_the_counter_is_undone_inside_its_window(
    person: Callable[..., Watched],
) -> None:
    agent = person("lucia").page
    agent.goto("/")
    name = f"Rosa Prueba {time.time_ns() % 100_000}"
    log_case(agent, name, f"rosa.{time.time_ns()}@example.com")
    grant_first_coupon(agent)
    expect(agent.locator("#given")).to_contain_text(DELIVERED, timeout=30_000)
    code = code_behind(person(**PHONE).page, link_in_mail(agent, name))
    cashier = person("carmen", **PHONE).page
    assert use_at_counter(cashier, code)
    cashier.get_by_role("button", name=re.compile("Deshacer|Undo")).click()
    expect(cashier.get_by_role("heading", level=1)).to_have_text(re.compile("Deshech|Undone"))
    assert use_at_counter(cashier, code)


def test_a_case_is_noted_promised_about_and_resolved(person: Callable[..., Watched]) -> None:
    page = person("tomas").page
    page.goto("/incidents/?state=open")
    page.locator("[data-row-link]").first.click()
    page.wait_for_url(re.compile(r"/incidents/MX-"))
    address = page.url.split("#")[0]
    note = "Prefiere que le llamen por la tarde. <script>alert(1)</script>"
    page.keyboard.press("n")
    page.keyboard.type(note)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline")).to_contain_text(note)

    page.goto(address)
    page.keyboard.press("p")
    detail = f"Llamar a la habitación {time.time_ns() % 10_000}"
    page.locator("[name=detail]").fill(detail)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline")).to_contain_text(detail)
    page.goto("/promises/")
    expect(page.locator("main")).to_contain_text(detail)

    page.goto(address)
    page.keyboard.press("r")
    page.locator("[name=resolution]").fill("Se cambió la habitación y se acompañó a la familia.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".page-head")).to_contain_text(re.compile("Resuelt|Resolved"))


def test_search_forgives_accents_and_slips(person: Callable[..., Watched]) -> None:
    page = person("lucia").page
    page.goto("/customers/")
    name = page.locator("[data-row-link]").first.inner_text().strip()
    plain = name.translate(str.maketrans("áéíóúñüÁÉÍÓÚÑ", "aeiounuAEIOUN")).lower()
    for text in (plain, plain.replace("a", "aa", 1)):
        page.goto(f"/customers/?q={text}")
        expect(page.locator("main")).to_contain_text(name)
