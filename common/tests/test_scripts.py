"""The scripts and the looks of the components, in a browser, on the gallery.

Journeys of people are in the tests that cross apps; here is what every page takes for granted.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser, Page, expect

from common.money import format_money

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("common.tests.gallery_urls"),
    pytest.mark.xdist_group("gallery"),
]

AXE = (Path(settings.BASE_DIR) / "tests/vendor/axe.min.js").read_text()
WIDTHS = [360, 768, 1280]


class Quiet(WSGIRequestHandler):
    """Serves without a line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the gallery is served. No database: a request that needed one would fail here."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/_gallery/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium(browser_now: Browser) -> Browser:
    return browser_now


@pytest.fixture
def gallery(chromium: Browser, address: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Policy" in line.text else None)
    page.goto(address)
    yield page
    context.close()
    assert faults == []


def active(page: Page) -> str:
    """The id of the element that has the focus."""
    return str(page.evaluate("document.activeElement.id"))


def leave_fields(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_violation_and_no_sideways_scroll(
    chromium: Browser, address: str, theme: Any, width: int
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(address)
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document)")
    broken = {item["id"]: item["nodes"][0]["html"] for item in found["violations"]}
    scrolled = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert broken == {}
    assert len(found["passes"]) > 20
    assert scrolled <= width


def test_the_refused_form_takes_the_focus(gallery: Page) -> None:
    assert active(gallery) == "refused_email"


def test_palette_by_keyboard(gallery: Page) -> None:
    gallery.keyboard.press("Control+k")
    assert active(gallery) == "palette"
    gallery.keyboard.type("mar")
    gallery.wait_for_selector("#palette-list [role=option]")
    box = gallery.locator("#palette")
    assert box.get_attribute("aria-expanded") == "true"
    assert box.get_attribute("aria-activedescendant") == "palette-list-0"
    gallery.keyboard.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") == "palette-list-2"
    gallery.keyboard.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"


def test_picking_creating_and_typing_again(gallery: Page) -> None:
    box, value = gallery.locator("#id_customer"), gallery.locator("#id_customer-value")
    box.click()
    gallery.keyboard.type("Ana")
    gallery.wait_for_selector("#id_customer-list [role=option]")
    gallery.keyboard.press("ArrowDown")
    gallery.keyboard.press("Enter")
    assert (box.input_value(), value.input_value()) == ("Ana Solano", "2")
    gallery.keyboard.type("x")
    assert value.input_value() == ""
    box.fill("Beatriz")
    gallery.wait_for_selector("#id_customer-list [data-create] >> text=Beatriz")
    gallery.keyboard.press("End")
    gallery.keyboard.press("Enter")
    assert (box.input_value(), value.input_value()) == ("Beatriz", "")


def test_single_keys_rest_while_typing_and_behind_a_dialog(gallery: Page) -> None:
    gallery.locator("#g-note").fill("")
    gallery.keyboard.type("2")
    assert not gallery.locator("#offer-2").is_checked()
    leave_fields(gallery)
    gallery.keyboard.press("d")
    assert gallery.locator("#gallery-dialog").is_visible()
    assert active(gallery) == "g-reason"
    leave_fields(gallery)
    gallery.keyboard.press("2")
    assert not gallery.locator("#offer-2").is_checked()
    gallery.keyboard.press("Escape")
    leave_fields(gallery)
    gallery.keyboard.press("2")
    assert gallery.locator("#offer-2").is_checked()


def test_single_keys_can_be_switched_off(gallery: Page) -> None:
    leave_fields(gallery)
    gallery.keyboard.press("?")
    keys = gallery.locator("#keys-dialog")
    assert "Restaurant coupon" in keys.inner_text()
    keys.locator("[data-single-keys-switch]").uncheck()
    gallery.keyboard.press("Escape")
    gallery.keyboard.press("2")
    assert not gallery.locator("#offer-2").is_checked()
    gallery.keyboard.press("Control+k")
    assert active(gallery) == "palette"


def test_moving_through_a_list(gallery: Page) -> None:
    leave_fields(gallery)
    gallery.keyboard.press("j")
    gallery.keyboard.press("j")
    gallery.keyboard.press("x")
    row = gallery.locator("table[data-listnav] tbody tr").nth(1)
    assert row.locator("input").is_checked()
    gallery.keyboard.press("k")
    assert gallery.evaluate("document.activeElement.rowIndex") == 1
    gallery.keyboard.press("Enter")
    assert gallery.url.endswith("#tables")


def test_a_form_is_sent_once(gallery: Page) -> None:
    gallery.evaluate(
        """() => {
          window.sent = 0;
          const form = document.createElement("form");
          form.method = "post"; form.action = "/_gallery/"; form.id = "twice"; form.target = "none";
          form.innerHTML = '<input name="kept" value="words"><button type="submit">Go</button>';
          document.querySelector("main").append(form);
          document.addEventListener("submit", (event) => {
            if (event.target.id === "twice") { window.sent += 1; }
          });
        }"""
    )
    gallery.route("**/_gallery/", lambda route: None)
    go = gallery.locator("#twice button")
    go.click(no_wait_after=True)
    expect(gallery.locator("#twice")).to_have_attribute("data-busy", "")
    go.click(no_wait_after=True)
    assert gallery.evaluate("window.sent") == 1
    assert gallery.locator("#twice input").input_value() == "words"


def test_a_draft_says_what_happened(gallery: Page) -> None:
    status, note = gallery.locator("[data-draft-status]"), gallery.locator("#g-note")
    note.fill("Llamará a las seis")
    expect(status).to_contain_text("Draft saved")
    gallery.route("**/_gallery/", lambda route: route.abort())
    note.fill("Llamará a las siete")
    expect(status).to_contain_text("What you wrote stays here")
    assert note.input_value() == "Llamará a las siete"
    assert status.get_attribute("data-tone") == "critical"


def test_an_amount_is_read_as_its_market_writes_it(gallery: Page) -> None:
    amount, echo = gallery.locator("#g-amount"), gallery.locator("[data-amount-echo]")
    amount.fill("1,100.5")
    assert echo.inner_text() == "= $1,100.50 MXN"
    amount.fill("1.100,5")
    assert echo.inner_text() == "Write the amount like $1,234.50."
    amount.fill("1,200.01")
    assert echo.inner_text() == "The most is $1,200.00."


@pytest.mark.parametrize(
    ("currency", "locale"),
    [("MXN", "es-MX"), ("COP", "es-CO"), ("PEN", "es-PE"), ("EUR", "es-ES"), ("USD", "en-US")],
)
def test_an_amount_is_echoed_as_the_server_writes_it(
    gallery: Page, currency: str, locale: str
) -> None:
    amount, echo = gallery.locator("#g-amount"), gallery.locator("[data-amount-echo]")
    sample = format_money(123400, currency, locale)
    amount.evaluate(
        "(input, [currency, locale]) => {"
        " Object.assign(input.dataset, {currency, locale}); delete input.dataset.max }",
        [currency, locale],
    )
    echo.evaluate("(out, sample) => { out.dataset.sample = sample }", sample)
    for minor in (800_00, 1_234_567_05):
        amount.fill(format_money(minor, "MXN", locale).strip("$\xa0"))
        assert echo.inner_text() == f"= {format_money(minor, currency, locale)} {currency}"


def test_a_chosen_theme_is_kept_without_a_flash(gallery: Page) -> None:
    gallery.locator("summary.menu-button").click()
    gallery.locator("[data-theme-switch] [value=dark]").click()
    gallery.reload(wait_until="commit")
    gallery.wait_for_selector("body")
    assert gallery.evaluate("document.documentElement.dataset.theme") == "dark"


def test_notices_stay_when_they_are_trouble(gallery: Page) -> None:
    gallery.evaluate(
        "document.dispatchEvent(new CustomEvent('toast',"
        " {detail: {text: '<b>No</b>', tone: 'critical'}}))"
    )
    notice = gallery.locator("#toasts [data-toast=critical]")
    assert notice.inner_text().strip() == "<b>No</b>"
    assert notice.get_attribute("role") == "alert"
    notice.get_by_role("button", name="Dismiss").click()
    assert notice.count() == 0


FAILED = """(status, asked) => document.body.dispatchEvent(new CustomEvent("htmx:responseError", {
    bubbles: true,
    detail: {
        xhr: { status },
        requestConfig: { triggeringEvent: asked ? new Event("input") : undefined },
    },
}))"""


def _failed(page: Page, status: int, *, asked: bool) -> None:
    """A request of htmx that was answered with `status`; `asked` for by a person's act or not."""
    page.evaluate(f"([status, asked]) => ({FAILED})(status, asked)", [status, asked])


def test_the_end_of_a_session_is_said_once_with_the_way_back_in(gallery: Page) -> None:
    for asked in (True, False, True):
        _failed(gallery, 401, asked=asked)
    notice = gallery.locator("#toasts [data-toast]")
    expect(notice).to_have_count(1)
    expect(notice).to_have_attribute("role", "alert")
    way = notice.get_by_role("link", name="Sign in in another tab")
    expect(way).to_have_attribute("target", "_blank")
    expect(way).to_have_attribute("rel", "noopener")
    expect(notice.get_by_role("button")).to_have_count(0)


def test_what_the_page_asks_for_by_itself_fails_without_a_word(gallery: Page) -> None:
    for status in (403, 429, 500):
        _failed(gallery, status, asked=False)
    _failed(gallery, 500, asked=True)
    _failed(gallery, 502, asked=True)
    expect(gallery.locator("#toasts [data-toast]")).to_have_count(1)
    expect(gallery.locator("#toasts")).to_contain_text("The server did not answer")


def test_the_rail_unfolds_on_a_phone(gallery: Page) -> None:
    gallery.set_viewport_size({"width": 360, "height": 740})
    nav = gallery.locator("#rail-nav")
    assert not nav.is_visible()
    gallery.get_by_role("button", name="Menu", exact=True).first.click()
    assert nav.is_visible()
    assert gallery.locator("[data-rail-toggle]").get_attribute("aria-expanded") == "true"
