"""Names without a space and long stories: no page grows wider or pushes the acts out of sight."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import Watched, scrolls_sideways

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "Wolfeschlegelsteinhausenbergerdorff" * 4
STORY = "Llegamos a las tres y nadie nos recibió; esperamos de pie con los niños. " * 60


def test_a_long_name_and_a_long_story_fit(person: Callable[..., Watched]) -> None:
    page = person("emma").page
    page.goto("/customers/new/")
    page.fill("[name=name]", NAME[:120])
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/customers/[0-9a-f-]{36}/"))
    customer = page.url
    key = customer.rstrip("/").rsplit("/", 1)[1]
    page.goto(f"/incidents/new/?customer={key}")
    page.select_option("[name=category]", index=3)
    page.fill("[name=narrative]", STORY[:4_900])
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/incidents/MX-\d{4}-\d+/$"))
    case = page.url
    story = page.locator(".timeline .long-text").first
    folded = story.bounding_box()
    assert folded is not None
    assert folded["height"] < 330
    page.locator(".timeline .long-more summary").first.click()
    whole = story.bounding_box()
    assert whole is not None
    assert whole["height"] > 2 * folded["height"]
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for address in (case, f"{case}change/", customer, "/incidents/", "/customers/", "/"):
            page.goto(address)
            expect(page.locator("main h1")).to_be_visible()
            assert not scrolls_sideways(page), (width, address)
