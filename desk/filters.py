"""The address of a list is its state: reading it, and writing the addresses of its neighbours.

What an address holds that is not known is left out; it never fails a page.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Location
from common.menus import Menu, Text, menus
from common.windows import day_bounds, local_date
from incidents.models import Category, Incident
from incidents.selectors import (
    IMPORTED,
    UNRESOLVED,
    found_incidents,
    in_states,
    logged_between,
    visible_incidents,
    whole_folio,
)
from incidents.states import ContactChannel, IncidentState, Severity

from .places import Desk
from .selectors import lists

PERIODS: dict[str, tuple[Text, int]] = {
    "1": (_("Today"), 1),
    "7": (_("Last 7 days"), 7),
    "30": (_("Last 30 days"), 30),
    "90": (_("Last 90 days"), 90),
}
VIEW_NAMES: dict[str, Text] = {
    "mine": _("Mine"),
    "team": _("My team"),
    "unassigned": _("Unassigned"),
    "critical": _("Critical"),
    "overdue": _("Overdue, my team"),
    "due": _("Due within the hour, my team"),
    "promises": _("Promises due"),
}
OWNER_NAMES: dict[str, Text] = {"me": _("Me"), "nobody": _("Nobody")}
ORIGIN_NAMES: dict[str, Text] = {"here": _("Logged here"), "imported": _("Imported")}
STATE_NAMES: dict[str, Text] = {"active": _("Not resolved"), **dict(IncidentState.choices)}


def read_key(text: str) -> uuid.UUID | None:
    """A key of a page, or None for anything else."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@dataclass(slots=True)
class ListAddress:
    """The filters of one list, as read from its address."""

    desk: Desk
    path: str
    values: dict[str, str]
    options: dict[str, Mapping[str, Text]]
    # A category's own id and those of its sub-reasons.
    under: Mapping[str, list[int]]
    after: uuid.UUID | None = None
    before: uuid.UUID | None = None
    text: str = field(default="")

    def url(self, **changed: str) -> str:
        """The address with some values changed; empty ones and the page key are left out."""
        merged = {**self.values, "q": self.text, **changed}
        query = urlencode({name: value for name, value in merged.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def menus(self) -> list[Menu]:
        """Each filter with its choices."""
        labels: dict[str, Text] = {
            "state": _("State"),
            "severity": _("Severity"),
            "owner": _("Owner"),
            "category": _("Category"),
            "location": _("Location"),
            "channel": _("Channel"),
            "period": _("Period"),
            "origin": _("Origin"),
        }
        return list(menus(labels, self.options, self.values, self.url))

    def views(self, counts: Mapping[str, str]) -> list[dict[str, object]]:
        """The quick views, each with its count."""
        chosen = self.values.get("view", "")
        found: list[dict[str, object]] = [
            {"label": _("All"), "url": self.path, "current": not chosen}
        ]
        for name, label in VIEW_NAMES.items():
            url = f"{self.path}?view={name}"
            current = name == chosen
            found.append({"label": label, "url": url, "current": current, "count": counts[name]})
        return found

    @property
    def filtered(self) -> bool:
        return bool(self.text or any(self.values.values()))

    def narrowed(self) -> QuerySet[Incident]:
        """The cases that the filters leave, whatever is searched for."""
        view = self.values.get("view", "")
        return self._narrow(lists.VIEWS[view](self.desk) if view else lists.cases(self.desk))

    def _narrow(self, rows: QuerySet[Incident]) -> QuerySet[Incident]:
        for name, value in self.values.items():
            if name in NARROW:
                rows = NARROW[name](self, rows, value)
        return rows

    def found(self) -> list[uuid.UUID]:
        """Ids of those that fit the text, in no order.

        A folio in full names its market: among all cases it is found in any that the person reads.
        """
        found = found_incidents(self.narrowed(), self.text, lists.cases(self.desk))
        folio = whole_folio(self.text)
        if not folio or len(self.desk.markets) < 2 or self.values.get("view"):
            return found
        elsewhere = visible_incidents(self.desk.staff).exclude(market=self.desk.market)
        named = self._narrow(elsewhere.filter(folio=folio))
        return [*found, *named.values_list("pk", flat=True)]


Rows = QuerySet[Incident]


def _state(_address: ListAddress, rows: Rows, value: str) -> Rows:
    return rows.filter(UNRESOLVED if value == "active" else in_states([value]))


def _owner(address: ListAddress, rows: Rows, value: str) -> Rows:
    return rows.filter(owner=address.desk.staff if value == "me" else None)


def _category(address: ListAddress, rows: Rows, value: str) -> Rows:
    ids = address.under[value]
    # Equality, not IN, where one will do: only then does the page index give the order.
    return rows.filter(category=ids[0]) if len(ids) == 1 else rows.filter(category__in=ids)


def _period(address: ListAddress, rows: Rows, value: str) -> Rows:
    """Whole local days of the market, today included."""
    zone = address.desk.market.time_zone
    first = local_date(timezone.now(), zone) - dt.timedelta(days=PERIODS[value][1] - 1)
    return logged_between(rows, day_bounds(first, zone)[0], None)


NARROW: dict[str, Callable[[ListAddress, Rows, str], Rows]] = {
    "state": _state,
    "severity": lambda _address, rows, value: rows.filter(severity=value),
    "owner": _owner,
    "category": _category,
    "location": lambda _address, rows, value: rows.filter(location_id=int(value)),
    "channel": lambda _address, rows, value: rows.filter(channel=value),
    "period": _period,
    "origin": lambda _address, rows, value: rows.filter(
        IMPORTED if value == "imported" else ~IMPORTED
    ),
}


def read_address(
    desk: Desk,
    path: str,
    query: QueryDict,
    *,
    categories: list[Category],
    locations: list[Location],
) -> ListAddress:
    """The filters in an address, each held to the values it may take in this market."""
    options: dict[str, Mapping[str, Text]] = {
        "view": VIEW_NAMES,
        "state": STATE_NAMES,
        "severity": dict(Severity.choices),
        "owner": OWNER_NAMES,
        "category": {
            str(row.pk): f"\u2003{row.name}" if row.parent_id else row.name for row in categories
        },
        "location": {str(row.pk): row.name for row in locations},
        "channel": dict(ContactChannel.choices),
        "period": {key: label for key, (label, _days) in PERIODS.items()},
        "origin": ORIGIN_NAMES,
    }
    values = {
        name: value
        for name, allowed in options.items()
        if (value := query.get(name, "")) in allowed
    }
    under: dict[str, list[int]] = {str(row.pk): [row.pk] for row in categories}
    for row in categories:
        if row.parent_id is not None and str(row.parent_id) in under:
            under[str(row.parent_id)].append(row.pk)
    return ListAddress(
        desk,
        path,
        values,
        options,
        under,
        after=read_key(query.get("after", "")),
        before=read_key(query.get("before", "")),
        text=" ".join(query.get("q", "").replace("\x00", " ").split())[:120],
    )
