"""What a person typed outlives other forms of the page, a refusal and a session that ended."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched

from .walking import fill_case, new_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTE = "La señora pide que la llamen después de las seis."
HOW = "Cambio de habitación y cena de cortesía."
LATER = " Además faltaban las toallas."
ENDED = re.compile("Your session ended|Su sesión terminó", re.I)


def sign_out_elsewhere(watched: Watched) -> None:
    """The session is gone, as after a night: the browser still has the page, and no session."""
    watched.context.clear_cookies(name="session")


def note(page: Page) -> str:
    return page.locator("[name=body]").input_value()


def test_another_form_of_the_case_leaves_typed_text_alone(person: Callable[..., Watched]) -> None:
    # A signing-in of its own: it ends signed out, which would sign out every other journey of emma.
    page = person().sign_in("emma")
    folio = new_case(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("p")
    expect(page.locator("#composer [name=kind]")).to_be_focused()
    page.locator("#composer [name=detail]").fill("A las seis y media")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    expect(page.locator("[name=resolution]")).to_be_focused()
    page.keyboard.type(HOW)
    page.locator("[name=body]").fill(NOTE)
    page.locator("form[action$='/steps/'] button").first.click()
    page.wait_for_load_state("load")
    expect(page.locator("[name=body]")).to_have_value(NOTE)
    expect(page.locator("[name=resolution]")).to_have_value(HOW)
    expect(page.locator("[name=resolution]")).to_be_visible()
    expect(page.locator("#composer [name=detail]")).to_have_value("A las seis y media")
    # The form that holds the focus is the one that is sent, and only its text is gone.
    page.locator("[name=body]").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline")).to_contain_text(NOTE)
    expect(page.locator("[name=body]")).to_have_value("")
    expect(page.locator("[name=resolution]")).to_have_value(HOW)
    # Without the focus in a form, the open disclosure's is sent.
    page.locator("#composer details:has([name=detail]) summary").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Enter")
    expect(page.locator("form[action$='/reopen/']")).to_be_attached()
    assert page.url.rstrip("/").endswith(folio)
    # Kept for nobody else, and not beyond the signing out.
    page.locator("[name=body]").fill(NOTE)
    page.evaluate("document.querySelector('form[data-sign-out]').requestSubmit()")
    page.wait_for_url(re.compile("/accounts/login/"))
    left = page.evaluate("Object.keys(sessionStorage)")
    assert not [key for key in left if key.startswith("unsent")]


def test_a_note_sent_after_the_session_ended_is_there_after_signing_in(
    person: Callable[..., Watched],
) -> None:
    watched = person()
    page = watched.sign_in("emma")
    folio = new_case(page)
    page.locator("[name=body]").fill(NOTE)
    sign_out_elsewhere(watched)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/accounts/login/"))
    page.fill("input[name=login]", "emma")
    page.fill("input[name=password]", "recovery-demo-2026")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/incidents/{folio}/$"))
    expect(page.locator("[name=body]")).to_have_value(NOTE)
    page.locator("[name=body]").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline")).to_contain_text(NOTE)
    expect(page.locator("[name=body]")).to_have_value("")


def test_intake_goes_on_after_signing_in_again_in_another_tab(
    person: Callable[..., Watched],
) -> None:
    watched = person()
    page = watched.sign_in("emma")
    page.goto("/")
    fill_case(page, "Ana Sesión", "ana.sesion@example.com")
    sign_out_elsewhere(watched)
    page.locator("[name=narrative]").press_sequentially(LATER)
    page.locator("[name=order_ref]").fill("H-1")
    page.locator("[name=narrative]").focus()
    expect(page.get_by_role("alert").filter(has_text=ENDED)).to_have_count(1)
    expect(page.locator("[data-draft-status]")).to_contain_text(ENDED)
    # Further look-ups and drafts that fail in the background add nothing to it.
    page.locator("[name=order_ref]").press_sequentially("23")
    page.locator("[name=narrative]").focus()
    page.wait_for_timeout(1500)
    expect(page.locator("#toasts [data-toast]")).to_have_count(1)
    assert page.url.endswith("/incidents/new/")
    with watched.context.expect_page() as opened:
        page.locator("#toasts [data-sign-in]").click()
    other = opened.value
    other.fill("input[name=login]", "emma")
    other.fill("input[name=password]", "recovery-demo-2026")
    other.keyboard.press("Enter")
    other.wait_for_url(lambda url: "/accounts/login" not in url)
    page.bring_to_front()
    page.locator("[name=order_ref]").focus()
    expect(page.locator("#toasts [data-sign-in]")).to_have_count(0)
    page.locator("[name=narrative]").focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/incidents/MX-\d{4}-\d+/$"))
    expect(page.locator(".timeline")).to_contain_text(LATER.strip())


def test_intake_sent_after_the_session_ended_is_there_after_signing_in(
    person: Callable[..., Watched],
) -> None:
    watched = person()
    page = watched.sign_in("walter")
    page.goto("/")
    fill_case(page, "Eva Sesión", "eva.sesion@example.com")
    status = page.locator("[data-draft-status]")
    expect(status).to_contain_text(re.compile(r"saved.*\d", re.I), timeout=10_000)
    sign_out_elsewhere(watched)
    page.locator("[name=narrative]").press_sequentially(LATER)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/accounts/login/"))
    page.fill("input[name=login]", "walter")
    page.fill("input[name=password]", "recovery-demo-2026")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/incidents/new/$"))
    expect(page.locator("[name=narrative]")).to_have_value(re.compile(re.escape(LATER.strip())))
    page.get_by_role("button", name=re.compile("Start over|Empezar")).click()
    expect(page.locator("[name=narrative]")).to_have_value("")


def test_nothing_is_sent_in_the_name_of_another_person(person: Callable[..., Watched]) -> None:
    watched = person()
    page = watched.sign_in("emma")
    new_case(page)
    page.locator("[name=body]").fill(NOTE)
    other = watched.context.new_page()
    sign_out_elsewhere(watched)
    other.goto("/accounts/login/")
    other.fill("input[name=login]", "walter")
    other.fill("input[name=password]", "recovery-demo-2026")
    other.keyboard.press("Enter")
    other.wait_for_url(lambda url: "/accounts/login" not in url)
    page.bring_to_front()
    page.locator("[name=body]").focus()
    page.keyboard.press("Control+Enter")
    warned = page.get_by_role("alert").filter(has_text=re.compile("Somebody else|Otra persona"))
    expect(warned).to_have_count(1)
    assert note(page) == NOTE
    page.reload()
    expect(page.locator("[name=body]")).to_have_value("")
    expect(page.locator(".timeline")).not_to_contain_text(NOTE)
