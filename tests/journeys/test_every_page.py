"""Every page a person can open: accessible, inside its width, in their language, without faults."""

import re
from functools import cache
from pathlib import Path
from pprint import pformat
from typing import Any

import polib
import pytest
from playwright.sync_api import expect

from tests.support.browser import Crew, Watched, scrolls_sideways, violations

from .walking import DELIVERED, grant_first_coupon, new_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CATALOGUE = Path(__file__).parents[2] / "locale" / "es" / "LC_MESSAGES" / "django.po"
# Shorter ones are words of both languages, or parts of other words.
LONG_ENOUGH = 13
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
        "/requests/",
        "/scales/",
        "/reports/issuance/me/?period=30",
        "/find/?q=ma",
        "/preferences/",
        "/mailbox/",
        "MAIL",
        "/administration/",
    ],
    "supervisor": [
        "/",
        "/approvals/",
        "/approvals/decided/",
        "/incidents/",
        "CASE",
        "/limits/",
        "LIMITED",
        "/reports/issuance/?period=30",
        "/reports/issuance/list/?period=30&measure=issued",
        "/reports/issuance/list/?period=30&measure=cases&channel=web",
    ],
    "finance": [
        "/approvals/",
        "/reports/issuance/?period=last-month&sort=-peers",
        "/finance/",
        "/finance/open/?ends=7",
        "/finance/open/?kind=letter",
        "/finance/journal/",
        "/finance/journal/?account=breakage&from=2026-01-01",
        "/finance/reconciliation/",
        "/finance/reconciliation/?check=1",
        "/finance/stop/",
        "/scales/",
        "/scales/?q=zzzzqqqq",
        "/scales/MX/1/",
        "/scales/MX/3/changes/",
        "/scales/MX/4/",
        "/scales/MX/4/edit/",
        "/scales/MX/4/edit/?segment=vip&subs=all",
        "/scales/MX/4/cells/any-minor-any/",
        "/scales/MX/4/changes/",
        "/limits/?near=1",
        "/limits/general/",
        "/limits/new/",
        "LIMITED",
        "LIMIT",
        "PROPOSAL",
    ],
    "auditor": [
        "/audit/",
        "/audit/?act=compensation.voided&person=a",
        "/audit/?thing=nothing-like-it",
        "LIFE",
        "/finance/",
        "/finance/journal/",
        "/limits/",
    ],
    "cashier": ["/counter/", "/counter/place/"],
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
    ("finance", "es"): "elena",
    ("auditor", "es"): "beatriz",
    ("cashier", "es"): "carmen",
    ("administrator", "es"): "sofia",
}
# Where a name stands for the first thing of a list.
FIRST = {
    "CASE": ("/incidents/?state=open", r"/incidents/MX-\d+-\d+/?"),
    "CUSTOMER": ("/customers/", r"/customers/[0-9a-f-]{36}/?"),
    "PERSON": ("/administration/people/", r"/administration/people/[0-9a-f-]{36}/?"),
    "LIFE": ("/audit/?act=compensation.voided", r"/audit/compensation/[0-9a-f-]{36}/?"),
    "LIMITED": ("/limits/", r"/limits/people/[0-9a-f-]{36}/?"),
    "LIMIT": ("/limits/general/", r"/limits/\d+/?"),
    "PROPOSAL": ("/limits/", r"/limits/\d+/?"),
    "MAIL": ("/mailbox/", r"/mailbox/[^/?]+/?"),
}


@pytest.fixture(scope="module", autouse=True)
def _a_mail(crew: Crew) -> None:
    """The demo company has sent nothing to the mailbox: one message, for its pages."""
    page = crew.enter("lucia").page
    new_case(page)
    grant_first_coupon(page)
    expect(page.locator("#given")).to_contain_text(DELIVERED, timeout=30_000)
    assert crew.leave() == []


def _resolve(watched: Watched, path: str) -> str:
    name, slash, rest = path.partition("/")
    if name not in FIRST:
        return path
    listing, pattern = FIRST[name]
    watched.page.goto(listing)
    addresses: list[str] = watched.page.locator("main a").evaluate_all(
        "links => links.map(link => link.getAttribute('href') ?? '')"
    )
    found = next((address for address in addresses if re.fullmatch(pattern, address)), None)
    assert found is not None, f"{listing} has no link like {pattern}"
    return found.rstrip("/") + (f"/{rest}" if slash else "/")


@cache
def _untranslated() -> list[str]:
    """The English of every sentence whose Spanish is another."""
    rows = polib.pofile(str(CATALOGUE))
    return [
        row.msgid
        for row in rows
        if len(row.msgid) >= LONG_ENOUGH and "%" not in row.msgid and row.msgstr != row.msgid
    ]


def _english_on(watched: Watched, sentences: list[str]) -> list[str]:
    """Which of the English sentences stand on the page, beside what people wrote themselves."""
    texts: list[str] = watched.page.evaluate(
        """() => {
          const kept = "[lang=en], .words-kept, script, template, noscript";
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const found = [];
          while (walker.nextNode()) {
            const parent = walker.currentNode.parentElement;
            if (!parent.closest(kept)) found.push(walker.currentNode.data);
          }
          for (const name of ["aria-label", "placeholder", "title", "alt"])
            for (const node of document.querySelectorAll(`[${name}]`))
              found.push(node.getAttribute(name));
          return found;
        }"""
    )
    return sorted({" ".join(text.split()) for text in texts}.intersection(sentences))


@pytest.mark.parametrize(("width", "theme", "language"), LOOKS)
@pytest.mark.parametrize("role", list(PAGES))
def test_every_page(crew: Crew, role: str, width: int, theme: Any, language: str) -> None:
    username = USERS.get((role, language)) or USERS.get((role, "es"))
    reads = language if (role, language) in USERS or not username else "es"
    watched = crew.enter(
        username,
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        locale="es-MX" if language == "es" else "en-US",
    )
    sentences = _untranslated() if reads == "es" else []
    found: dict[str, Any] = {}
    try:
        for path in PAGES[role]:
            watched.page.goto(_resolve(watched, path))
            broken: dict[str, Any] = dict(violations(watched.page))
            if scrolls_sideways(watched.page):
                broken["sideways"] = "the page is wider than the screen"
            said = watched.page.locator("html").get_attribute("lang") or ""
            if not said.startswith(reads):
                broken["language"] = said
            if english := _english_on(watched, sentences):
                broken["english"] = english
            if broken:
                found[path] = broken
    finally:
        faults = crew.leave()
    assert not found, pformat(found)
    assert faults == []
