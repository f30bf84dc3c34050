"""The way of a message in a browser: the same code again, and handing it over oneself."""

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
    cards,
    code_behind,
    coupon_card,
    grant_first_coupon,
    link_in_mail,
    log_case,
    new_case,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_what_is_sent_again_is_the_same_code(person: Callable[..., Watched]) -> None:
    agent, customer = person("lucia").page, person(**PHONE).page
    agent.goto("/")
    name = f"Julia Prueba {time.time_ns() % 100_000}"
    folio, _keys, _started = log_case(agent, name, f"julia.{time.time_ns()}@example.com")
    grant_first_coupon(agent)
    expect(agent.locator("#given")).to_contain_text(DELIVERED, timeout=30_000)
    first = code_behind(customer, link_in_mail(agent, name))

    agent.goto(f"/incidents/{folio}/")
    agent.locator("#given summary", has_text=re.compile("Send again|Enviar de nuevo")).click()
    agent.locator("#given button[name=channel][value=email]").click()
    agent.wait_for_load_state()
    expect(agent.locator("#given")).to_contain_text(DELIVERED, timeout=30_000)
    agent.goto("/mailbox/")
    rows = agent.get_by_role("row").filter(has_text=name)
    for _ in range(30):
        if rows.count() == 2:
            break
        agent.wait_for_timeout(500)
        agent.reload()
    expect(rows).to_have_count(2)
    assert code_behind(customer, link_in_mail(agent, name)) == first


def test_what_is_handed_over_is_a_link_and_its_picture(person: Callable[..., Watched]) -> None:
    agent = person("lucia").page
    folio = new_case(agent)
    cards(agent).nth(coupon_card(agent) - 1).click()
    agent.select_option("#grant-channel", "handover")
    agent.keyboard.press("Control+Enter")
    agent.wait_for_url(re.compile("/messages/"))
    expect(agent.locator(".qr svg")).to_be_visible()
    assert CODE.search(agent.content()) is None
    link = agent.locator("#handover-link").inner_text().strip()
    assert code_behind(person(**PHONE).page, link)
    agent.keyboard.press("Control+Enter")
    agent.wait_for_url(re.compile(f"/incidents/{folio}/#given"))
    expect(agent.locator("#given .way")).to_contain_text(DELIVERED)
