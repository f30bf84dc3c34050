"""Reads of incidents: what a person may see, pages by key, bounded counts, the timeline."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from accounts.models import Staff
from accounts.states import Scope
from audit.models import AuditEvent
from audit.selectors import about
from common.prepared import prepared

from ..access import client_may, readable_markets
from ..models import Incident, Note, Promise, RecoveryStep
from ..states import PromiseState, Step

# How far an id's moment may be from its row's; held by a constraint of the table.
KEY_SLACK = dt.timedelta(days=1)
Row = TypeVar("Row", bound=Model)


def visible_incidents(user: object) -> QuerySet[Incident]:
    """Incidents of the markets whose cases the person reads; a client's are those it sent."""
    rows = Incident.objects.all()
    if client_may(user, Scope.INCIDENTS_WRITE):
        return rows.filter(logged_by_client=getattr(user, "pk", None))
    markets = readable_markets(user)
    if not markets:
        return rows.none()
    # Equality, not IN: only then does the page index give the order for nothing.
    return rows.filter(market=markets[0]) if len(markets) == 1 else rows.filter(market__in=markets)


def readable_key(staff: Staff, folio: str) -> uuid.UUID | None:
    """The id of a case that the person may read, without compiling a query for it."""
    with connection.cursor() as cursor:
        statement = "SELECT id FROM incidents_incident WHERE folio = %s AND market_id = ANY(%s)"
        cursor.execute(prepared(cursor, statement), [folio, readable_markets(staff)])
        row = cursor.fetchone()
    return None if row is None else row[0]


def _first_key(moment: dt.datetime) -> uuid.UUID:
    """The smallest id that a row of the aware `moment` could have."""
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def logged_between(
    rows: QuerySet[Incident], start: dt.datetime | None, end: dt.datetime | None
) -> QuerySet[Incident]:
    """Incidents logged from `start` until before `end`; None leaves that side open.

    The ids' own moments, a day apart at most, let the page index skip what lies outside.
    """
    if start is not None:
        rows = rows.filter(logged_at__gte=start, pk__gte=_first_key(start - KEY_SLACK))
    if end is not None:
        rows = rows.filter(logged_at__lt=end, pk__lt=_first_key(end + KEY_SLACK))
    return rows


def with_list_relations(rows: QuerySet[Incident]) -> QuerySet[Incident]:
    """What a list shows of each row, in the same query."""
    return rows.select_related(
        "market", "customer", "category", "category__parent", "location", "owner", "team"
    ).defer("narrative_search", "customer__name_search")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows newest first; `after` and `before` are the keys of the next and previous page."""

    rows: Sequence[Row]
    after: uuid.UUID | None
    before: uuid.UUID | None


def key_page(
    rows: QuerySet[Row],
    *,
    after: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    size: int = 50,
) -> Page[Row]:
    """One page by descending key: the rows after or before a key, or the first ones.

    Costs the same at any depth. `size` is held between 1 and 200.
    """
    size = max(1, min(size, 200))
    if before is not None:
        found = list(rows.filter(pk__gt=before).order_by("pk")[: size + 1])
        more_before, more_after = len(found) > size, True
        found = found[:size][::-1]
    else:
        start = rows.filter(pk__lt=after) if after is not None else rows
        found = list(start.order_by("-pk")[: size + 1])
        more_before, more_after = after is not None, len(found) > size
        found = found[:size]
    return Page(
        rows=found,
        after=found[-1].pk if found and more_after else None,
        before=found[0].pk if found and more_before else None,
    )


def incident_page(
    queryset: QuerySet[Incident],
    *,
    after: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    size: int = 50,
) -> Page[Incident]:
    """One page of a list of incidents, newest first, with what a row shows."""
    return key_page(with_list_relations(queryset), after=after, before=before, size=size)


def bounded_count(rows: QuerySet[Any], *, most: int = 1000) -> tuple[int, bool]:
    """How many rows, counted up to `most`, and whether there are more ("1,000+")."""
    found = rows.order_by().values("pk")[: most + 1].count()
    return min(found, most), found > most


def due_promises(staff: Staff, *, limit: int = 50) -> list[Promise]:
    """What the person owes customers, the soonest first."""
    return list(
        Promise.objects.filter(owner=staff, state=PromiseState.DUE)
        .select_related("incident", "incident__customer", "market")
        .order_by("due_at")[:limit]
    )


def done_steps(incident: Incident) -> dict[str, RecoveryStep | None]:
    """The five steps in their order, each with the row that ticked it or None."""
    done: dict[str, RecoveryStep] = {
        row.step: row for row in incident.steps.select_related("done_by")
    }
    return {step: done.get(step) for step in Step.values}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a case's story. `kind` is `note`, `promise` or `event`."""

    at: dt.datetime
    kind: str
    item: Note | Promise | AuditEvent


# Said by a richer entry of the same timeline.
TOLD_ELSEWHERE = ("note.added", "promise.made")


def timeline(incident: Incident, *, limit: int = 300) -> list[TimelineEntry]:
    """Notes, promises and recorded acts, newest first; higher apps add messages and money."""
    notes = incident.notes.select_related("author").order_by("-created_at")[:limit]
    promises = incident.promises.select_related("owner", "created_by", "ended_by")
    events = about(incident.pk).exclude(act__in=TOLD_ELSEWHERE).order_by("-id")[:limit]
    entries = [
        *(TimelineEntry(note.created_at, "note", note) for note in notes),
        *(TimelineEntry(promise.created_at, "promise", promise) for promise in promises),
        *(TimelineEntry(event.at, "event", event) for event in events),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]
