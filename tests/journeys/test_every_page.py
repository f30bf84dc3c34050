"""Every page a person can open: accessible, inside its width, without faults or foreign hosts."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Watched, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]

# Each width meets each theme, and each language both, without walking all eight.
LOOKS = [
    (360, "light", "es"),
    (1280, "dark", "es"),
    (1280, "light", "en"),
    (360, "dark", "en"),
]
PAGES: dict[str, list[str]] = {
    "": ["/accounts/login/", "/accounts/password/reset/", "/nothing-here/", "/p/unknown-token/"],
    "agent": [
        "/",
        "/incidents/",
        "/incidents/?q=habitacion&severity=critical",
        "/incidents/?q=zzzzqqqq",
        "/incidents/new/",
        "CASE",
        "CASE/change/",
        "/customers/",
        "CUSTOMER",
        "CUSTOMER/change/",
        "/customers/new/",
        "/promises/",
        "/find/?q=ma",
        "/preferences/",
        "/mailbox/",
        "/administration/",
    ],
    "supervisor": ["/", "/incidents/", "CASE"],
    "cashier": ["/counter/"],
    "administrator": [
        "/administration/",
        "/administration/markets/",
        "/administration/markets/MX/",
        "/administration/locations/",
        "/administration/teams/",
        "/administration/people/",
        "PERSON",
        "/administration/people/new/",
        "/administration/clients/",
        "/administration/clients/new/",
    ],
}
USERS = {
    ("agent", "es"): "lucia",
    ("agent", "en"): "emma",
    ("supervisor", "es"): "raul",
    ("supervisor", "en"): "walter",
    ("cashier", "es"): "carmen",
    ("administrator", "es"): "sofia",
}


def _first(watched: Watched, listing: str, pattern: str) -> str:
    """The first link of a list page that looks like `pattern`."""
    watched.page.goto(listing)
    for link in watched.page.locator("main a").all():
        href = link.get_attribute("href") or ""
        if re.fullmatch(pattern, href):
            return href.rstrip("/")
    raise AssertionError(f"{listing} has no link like {pattern}")


def _resolve(watched: Watched, path: str) -> str:
    if path.startswith("CASE"):
        found = _first(watched, "/incidents/?state=open", r"/incidents/MX-\d+-\d+/?")
    elif path.startswith("CUSTOMER"):
        found = _first(watched, "/customers/", r"/customers/[0-9a-f-]{36}/?")
    elif path.startswith("PERSON"):
        found = _first(
            watched, "/administration/people/", r"/administration/people/[0-9a-f-]{36}/?"
        )
    else:
        return path
    return found + "/" + path.partition("/")[2]


@pytest.mark.parametrize(("width", "theme", "language"), LOOKS)
@pytest.mark.parametrize("role", list(PAGES))
def test_every_page(
    browser_now: Browser, address: str, role: str, width: int, theme: Any, language: str
) -> None:
    username = USERS.get((role, language)) or USERS.get((role, "es"))
    watched = Watched(
        browser_now,
        address,
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        locale="es-MX" if language == "es" else "en-US",
        bypass_csp=True,
    )
    found: dict[str, Any] = {}
    try:
        if username:
            watched.sign_in(username)
        for path in PAGES[role]:
            target = _resolve(watched, path)
            watched.page.goto(target)
            broken: dict[str, Any] = dict(violations(watched.page))
            if scrolls_sideways(watched.page):
                broken["sideways"] = "the page is wider than the screen"
            language_said = watched.page.locator("html").get_attribute("lang") or ""
            if username and (role, language) in USERS and not language_said.startswith(language):
                broken["language"] = language_said
            if broken:
                found[path] = broken
    finally:
        watched.close()
    assert found == {}
    assert watched.faults == []
