"""Every page that a person may go to by name, in the order of the rail, and the actions.

One list for the rail and for the palette: what is added here is in both. Whether somebody may open
a page is decided by the page; this only says who is offered it. `tests/test_pages.py` fails on a
page of the product that is not here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext, gettext_noop, override

from accounts.models import Staff
from accounts.states import Role
from common.folding import folded

from .places import READERS, WORKERS, Desk

LANGUAGES = ("es", "en")
LEADERS = (Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
DECIDERS = (Role.SUPERVISOR, Role.FINANCE)
KEEPERS = (Role.FINANCE, Role.AUDITOR)
ADMINISTRATORS = (Role.ADMINISTRATOR,)


@dataclass(frozen=True, slots=True)
class Page:
    """A page or an action: its name, further words people look for it by, and who is offered it.

    Both are written in English and said in the reader's language. Whoever holds one of `roles` in
    the market they are in is offered it, with `anywhere` in any market, and everybody where there
    are none. `count` names what the rail counts beside it.
    """

    name: str
    more: str
    address: str
    roles: tuple[str, ...] = ()
    query: str = ""
    anywhere: bool = False
    count: str = ""
    # What stands behind another page is found by name only.
    in_rail: bool = True
    # Whose rail has a wider page instead.
    rail_without: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its address, or nothing where this installation has no such page."""
        try:
            path = reverse(self.address)
        except NoReverseMatch:
            return ""
        return f"{path}?{self.query}" if self.query else path

    @property
    def label(self) -> str:
        return gettext(self.name)

    def offered_to(self, staff: Staff, desk: Desk | None) -> bool:
        if not self.roles:
            return True
        if self.anywhere:
            return bool(staff.roles & set(self.roles))
        return desk is not None and desk.holds(*self.roles)


_ = gettext_noop

PAGES: tuple[Page, ...] = (
    Page(_("My cases"), _("start home"), "home", WORKERS, count="mine"),
    Page(_("Team"), _("my team's cases"), "incidents", WORKERS, "view=team", count="team"),
    Page(
        _("Unassigned"),
        _("cases nobody owns, take over"),
        "incidents",
        WORKERS,
        "view=unassigned",
        count="unassigned",
    ),
    Page(
        _("Critical"),
        _("critical cases"),
        "incidents",
        (Role.SUPERVISOR,),
        "view=critical",
        count="critical",
    ),
    Page(_("Approvals"), _("requests that wait, inbox"), "approvals", LEADERS, count="approvals"),
    Page(
        _("Decided requests"),
        _("approvals approved rejected"),
        "approvals-decided",
        LEADERS,
        in_rail=False,
    ),
    Page(_("My requests"), _("what I asked for"), "requests", WORKERS, count="requests"),
    Page(_("Promises"), _("calls owed"), "promises", WORKERS, count="promises"),
    # Whoever only reads has no promises of their own to count.
    Page(_("Promises"), _("calls owed"), "promises", KEEPERS, in_rail=False),
    Page(_("All cases"), _("incidents list"), "incidents", READERS),
    Page(_("Customers"), _("people"), "customers", READERS),
    Page(_("Scale"), _("manual offers what may be given"), "scales", READERS),
    Page(
        _("Issuance by agent"),
        _("figures report dashboard compensations given"),
        "issuance",
        LEADERS,
        anywhere=True,
    ),
    Page(
        _("My figures"),
        _("my issuance what I gave"),
        "issuance-me",
        (Role.AGENT,),
        anywhere=True,
        rail_without=LEADERS,
    ),
    Page(
        _("Nightly reports"),
        _("daily report sign"),
        "nightly-reports",
        LEADERS,
        count="nightly-reports",
    ),
    Page(_("Liability"), _("what is owed, money finance ageing"), "liability", KEEPERS),
    Page(_("Journal"), _("ledger bookings money"), "journal", KEEPERS),
    Page(_("Reconciliation"), _("ledger check money"), "reconciliation", KEEPERS, in_rail=False),
    Page(_("Limits"), _("authority caps budgets room"), "limits", LEADERS, count="limits"),
    Page(
        _("Limits for everybody"),
        _("general limits, roles and segments"),
        "limits-general",
        LEADERS,
        in_rail=False,
    ),
    Page(_("Stop switch"), _("stop compensations of a market"), "stop-switch", KEEPERS),
    Page(_("Counter"), _("redeem coupon"), "counter", (Role.CASHIER,), anywhere=True),
    Page(_("Audit trail"), _("who did what, log"), "audit-trail", (Role.AUDITOR,), anywhere=True),
    Page(
        _("Administration"),
        _("markets locations teams people keys"),
        "administration",
        ADMINISTRATORS,
        anywhere=True,
    ),
    Page(
        _("Markets"),
        _("administration country currency"),
        "markets",
        ADMINISTRATORS,
        anywhere=True,
        in_rail=False,
    ),
    Page(
        _("Locations"),
        _("administration places hotels restaurants"),
        "locations",
        ADMINISTRATORS,
        anywhere=True,
        in_rail=False,
    ),
    Page(_("Teams"), _("administration"), "teams", ADMINISTRATORS, anywhere=True, in_rail=False),
    Page(
        _("People"),
        _("administration staff users roles"),
        "people",
        ADMINISTRATORS,
        anywhere=True,
        in_rail=False,
    ),
    Page(
        _("API clients"),
        _("administration keys tills shops"),
        "api-clients",
        ADMINISTRATORS,
        anywhere=True,
        in_rail=False,
    ),
    # There is one only where nothing leaves the machine.
    Page(_("Mailbox"), _("mail messages to customers"), "mailbox"),
    Page(
        _("Preferences"),
        _("language theme keys password"),
        "preferences",
        in_rail=False,
    ),
)

ACTIONS: tuple[Page, ...] = (
    Page(_("New incident"), _("log complaint case"), "incident-new", WORKERS),
    Page(_("New customer"), _("create person"), "customer-new", WORKERS),
    Page(_("Propose a limit"), _("new limit"), "limit-propose", DECIDERS),
    Page(_("New market"), _("create"), "market-new", ADMINISTRATORS, anywhere=True),
    Page(_("New location"), _("create"), "location-new", ADMINISTRATORS, anywhere=True),
    Page(_("New team"), _("create"), "team-new", ADMINISTRATORS, anywhere=True),
    Page(_("New person"), _("create staff user"), "person-new", ADMINISTRATORS, anywhere=True),
    Page(_("New API client"), _("create key"), "api-client-new", ADMINISTRATORS, anywhere=True),
    Page(_("Sign out"), _("log out, leave"), "account_logout"),
)


def rail_pages(staff: Staff, desk: Desk | None) -> list[Page]:
    """What the rail offers a person."""
    shown = [page for page in PAGES if page.in_rail and not staff.roles & set(page.rail_without)]
    return offered(shown, staff, desk)


@lru_cache(maxsize=256)
def _words(page: Page) -> frozenset[str]:
    """The words of its name and the further ones, folded, in every language."""
    words: set[str] = set()
    for language in LANGUAGES:
        with override(language):
            words.update(folded(f"{gettext(page.name)} {gettext(page.more)}").split())
    return frozenset(word.strip(",.") for word in words)


def named_pages(text: str) -> list[Page]:
    """Pages and actions for which every word typed begins one of theirs, whoever is offered them.

    Accents and case never matter, nor the reader's language. Those whose name begins as typed
    come first.
    """
    typed = folded(text).split()
    if not typed:
        return []
    start = " ".join(typed)
    found = [
        page
        for page in (*ACTIONS, *PAGES)
        if all(any(word.startswith(part) for word in _words(page)) for part in typed)
    ]
    return sorted(found, key=lambda page: not folded(page.label).startswith(start))


def offered(pages: Iterable[Page], staff: Staff, desk: Desk | None) -> list[Page]:
    """Those of them that a person is offered, each address once."""
    found = {page.url: page for page in pages if page.offered_to(staff, desk) and page.url}
    return list(found.values())
