"""What the staff frame shows on every page: the rail with its counts, the market, the keys.

Everything is lazy: a page or fragment that draws no frame pays nothing, and an error page asks
nothing of the database.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.translation import gettext as _

from accounts.models import Staff
from accounts.rail import count_of
from accounts.states import Role
from compensations.limit_rights import limits_waiting

from .places import Desk, desk_of
from .selectors import lists

Item = dict[str, Any]


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
        items = [*self._desk_items(), *self._role_items()]
        for item in items:
            item["current"] = item["url"] == self._here
        return [item for item in items if item["url"]]

    @cached_property
    def _here(self) -> str:
        """This page's address as the rail would write it."""
        view = self.request.GET.get("view", "")
        path = self.request.path
        return f"{path}?view={view}" if view and path == _address("incidents") else path

    def _desk_items(self) -> list[Item]:
        desk = self.desk
        if desk is None:
            return []
        cases = _address("incidents")
        items: list[Item] = []
        if desk.can_work:
            counts = lists.counts(desk, lists.frame_counts(desk))
            items += [
                {"label": _("My cases"), "url": _address("home"), "count": counts["mine"]},
                {"label": _("Team"), "url": f"{cases}?view=team", "count": counts["team"]},
                {
                    "label": _("Unassigned"),
                    "url": f"{cases}?view=unassigned",
                    "count": counts["unassigned"] if counts["unassigned"] != "0" else "",
                },
            ]
            if "critical" in counts:
                items.append(
                    {
                        "label": _("Critical"),
                        "url": f"{cases}?view=critical",
                        "count": counts["critical"],
                    }
                )
            if "approvals" in counts:
                items.append(self._approvals(counts["approvals"]))
            items.append(
                {
                    "label": _("My requests"),
                    "url": _address("requests"),
                    "count": _together(counts["requests"], counts["ended"]),
                }
            )
            today = counts["promises"]
            items.append(
                {
                    "label": _("Promises"),
                    "url": _address("promises"),
                    "count": _("%(count)s today") % {"count": today} if today != "0" else "",
                }
            )
        elif desk.holds(Role.FINANCE):
            counts = lists.counts(desk, lists.frame_counts(desk))
            items.append(self._approvals(counts["approvals"]))
        elif desk.holds(Role.AUDITOR):
            items.append(self._approvals("0"))
        return [
            *items,
            {"label": _("All cases"), "url": cases},
            {"label": _("Customers"), "url": _address("customers")},
            {"label": _("Scale"), "url": _address("scales")},
        ]

    @staticmethod
    def _approvals(count: str) -> Item:
        """The inbox, with how many wait for this very person."""
        return {
            "label": _("Approvals"),
            "url": _address("approvals"),
            "count": count if count != "0" else "",
        }

    def _role_items(self) -> list[Item]:
        assert self.staff is not None
        roles = self.staff.roles
        items = []
        if roles & {Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR}:
            items.append({"label": _("Issuance by agent"), "url": _address("issuance")})
        elif Role.AGENT in roles:
            items.append({"label": _("My figures"), "url": _address("issuance-me")})
        items += self._night_items()
        items += self._money_items()
        if Role.CASHIER in roles:
            items.append({"label": _("Counter"), "url": _address("counter")})
        if Role.AUDITOR in roles:
            items.append({"label": _("Audit trail"), "url": _address("audit-trail")})
        if Role.ADMINISTRATOR in roles:
            items.append({"label": _("Administration"), "url": _address("administration")})
        # There is one only where nothing leaves the machine.
        items.append({"label": _("Mailbox"), "url": _address("mailbox")})
        return items

    def _night_items(self) -> list[Item]:
        desk = self.desk
        if desk is None or not desk.holds(Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR):
            return []
        unsigned = count_of("nightly-reports", desk.staff, desk.market)
        return [
            {
                "label": _("Nightly reports"),
                "url": _address("nightly-reports"),
                "count": _("%(count)s unsigned") % {"count": unsigned} if unsigned else "",
            }
        ]

    def _money_items(self) -> list[Item]:
        desk = self.desk
        if desk is None or not desk.holds(Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR):
            return []
        items: list[Item] = []
        if desk.holds(Role.FINANCE, Role.AUDITOR):
            items += [
                {"label": _("Liability"), "url": _address("liability")},
                {"label": _("Journal"), "url": _address("journal")},
            ]
        waiting = limits_waiting(desk.staff, desk.market)
        items.append({"label": _("Limits"), "url": _address("limits"), "count": waiting or ""})
        if desk.holds(Role.FINANCE, Role.AUDITOR):
            items.append({"label": _("Stop switch"), "url": _address("stop-switch")})
        return items

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
