"""What the staff frame shows on every page: the rail with its counts, the market, the keys.

Everything is lazy: a page or fragment that draws no frame pays nothing, and an error page asks
nothing of the database.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.translation import gettext as _

from accounts.models import Staff
from accounts.rail import count_of
from accounts.states import Role
from compensations.limit_rights import limits_waiting

from .pages import Page, rail_pages
from .places import WORKERS, Desk, desk_of
from .selectors import lists

Item = dict[str, Any]

ZERO_SAYS_SOMETHING = frozenset({"mine", "team", "critical"})


def _address(name: str) -> str:
    """The page's address, or nothing where this installation has no such page."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _together(*counts: str) -> str:
    """Bounded counts as one, as `bounded_counts` says them; empty for none."""
    total = sum(int(count.removesuffix("+")) for count in counts)
    return f"{lists.MOST}+" if total > lists.MOST else str(total or "")


class _Frame:
    """The frame of one request; each part is worked out when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def staff(self) -> Staff | None:
        user = getattr(self.request, "user", None)
        return user if isinstance(user, Staff) else None

    @cached_property
    def desk(self) -> Desk | None:
        return desk_of(self.request) if self.staff else None

    @cached_property
    def nav(self) -> list[Item]:
        if self.staff is None:
            return []
        return [self._item(page) for page in rail_pages(self.staff, self.desk)]

    def _item(self, page: Page) -> Item:
        url = page.url
        count = self._count(page.count) if page.count else ""
        return {"label": page.label, "url": url, "count": count, "current": url == self._here}

    @cached_property
    def _here(self) -> str:
        """This page's address as the rail would write it."""
        view = self.request.GET.get("view", "")
        path = self.request.path
        return f"{path}?view={view}" if view and path == _address("incidents") else path

    @cached_property
    def _counts(self) -> Mapping[str, str]:
        """Of whoever works here or decides: the others' rails count nothing of the desk."""
        desk = self.desk
        if desk is None or not desk.holds(*WORKERS, Role.FINANCE):
            return {}
        return lists.counts(desk, lists.frame_counts(desk))

    def _count(self, name: str) -> str:
        """What stands beside a page: a zero only where it says how one's cases stand."""
        desk = self.desk
        if desk is None:
            return ""
        if name == "nightly-reports":
            unsigned = count_of(name, desk.staff, desk.market)
            return _("%(count)s unsigned") % {"count": unsigned} if unsigned else ""
        if name == "limits":
            return str(limits_waiting(desk.staff, desk.market) or "")
        if name == "requests":
            # What ended by itself waits for the person as well.
            return _together(*(self._counts.get(one, "0") for one in ("requests", "ended")))
        count = self._counts.get(name, "")
        if name in ZERO_SAYS_SOMETHING:
            return count
        if count in {"", "0"}:
            return ""
        return _("%(count)s today") % {"count": count} if name == "promises" else count

    @cached_property
    def stopped_at(self) -> dt.datetime | None:
        """Since when nothing is granted in the market a person is in; None while it is."""
        return self.desk.market.issuance_stopped_at if self.desk is not None else None

    @cached_property
    def role_name(self) -> str:
        if self.staff is None:
            return ""
        held = self.staff.roles
        return ", ".join(str(role.label) for role in Role if role in held)

    @cached_property
    def new_incident_url(self) -> str:
        return _address("incident-new") if self.desk is not None and self.desk.can_work else ""

    @cached_property
    def palette_url(self) -> str:
        return _address("find") if self.staff is not None else ""


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor of the staff frame."""
    frame = _Frame(request)

    def late(read: Callable[[], Any]) -> Any:
        return SimpleLazyObject(read)

    return {
        "nav": late(lambda: frame.nav),
        "markets": late(lambda: frame.desk.markets if frame.desk else []),
        "market_name": late(lambda: frame.desk.market.name if frame.desk else ""),
        "market_locale": late(lambda: frame.desk.market.locale if frame.desk else ""),
        "market_currency": late(lambda: frame.desk.market.currency if frame.desk else ""),
        "role_name": late(lambda: frame.role_name),
        "issuance_stopped_at": late(lambda: frame.stopped_at),
        "new_incident_url": late(lambda: frame.new_incident_url),
        "palette_url": late(lambda: frame.palette_url),
        "search_url": late(lambda: frame.palette_url),
        "single_keys": late(
            lambda: "off" if frame.staff is not None and not frame.staff.single_keys else "on"
        ),
    }
