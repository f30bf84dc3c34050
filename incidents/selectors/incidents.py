"""Reads of incidents: what a person may see, pages by key, bounded counts, the timeline."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, Q, QuerySet

from accounts.models import Location, Market, Staff, Team
from accounts.states import Scope
from audit.models import AuditEvent
from audit.selectors import about
from common.joined import Part, fetch_all
from common.prepared import prepared

from ..access import client_may, readable_markets
from ..models import Category, Customer, Incident, Note, Promise, RecoveryStep
from ..states import STAGES, IncidentState, PromiseState, Step

# How far an id's moment may be from its row's; held by a constraint of the table.
KEY_SLACK = dt.timedelta(days=1)
# A list says how many rows it has up to here.
MOST_COUNTED = 1000
Row = TypeVar("Row", bound=Model)
# As `Incident.is_imported`.
IMPORTED = Q(resolve_due_at__isnull=True)
UNRESOLVED = Q(stage=STAGES[IncidentState.OPEN])


def in_states(states: Iterable[str]) -> Q:
    """Cases in one of these states, by their stages: those are what the indexes go by."""
    wanted = set(states)
    stages = sorted({STAGES[state] for state in wanted})
    # Equality, not IN, where one will do: only then does the page index give the order.
    found = Q(stage=stages[0]) if len(stages) == 1 else Q(stage__in=stages)
    whole = {state for state, stage in STAGES.items() if stage in stages}
    return found if wanted == whole else found & Q(state__in=sorted(wanted))


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


_JOINED = """
FROM incidents_incident incident
JOIN accounts_market market ON market.id = incident.market_id
JOIN incidents_customer customer ON customer.id = incident.customer_id
JOIN incidents_category category ON category.id = incident.category_id
LEFT JOIN incidents_category parent ON parent.id = category.parent_id
LEFT JOIN accounts_location location ON location.id = incident.location_id
LEFT JOIN accounts_staff owner ON owner.id = incident.owner_id
LEFT JOIN accounts_team team ON team.id = incident.team_id
"""
_LISTED = f"{_JOINED} WHERE incident.id = ANY(%s)"
_ONE = f"{_JOINED} WHERE incident.folio = %s AND incident.market_id = ANY(%s)"
# Search columns and what people sign in with are left out; of a list, its long texts as well.
_RELATED = (
    Part("market", Market),
    Part("customer", Customer, frozenset({"name_search"})),
    Part("category", Category),
    Part("parent", Category),
    Part("location", Location),
    Part("owner", Staff, frozenset({"password", "email_fingerprint", "phone_fingerprint"})),
    Part("team", Team),
)
_OF_LIST = (
    Part("incident", Incident, frozenset({"narrative", "narrative_search", "resolution"})),
    *_RELATED,
)
_OF_CASE = (Part("incident", Incident, frozenset({"narrative_search"})), *_RELATED)


def _related(
    incident: Incident,
    market: Market,
    customer: Customer,
    category: Category,
    parent: Category | None,
    location: Location | None,
    owner: Staff | None,
    team: Team | None,
) -> Incident:
    category._state.fields_cache["parent"] = parent
    incident._state.fields_cache.update(
        market=market,
        customer=customer,
        category=category,
        location=location,
        owner=owner,
        team=team,
    )
    return incident


def listed(keys: Sequence[uuid.UUID]) -> list[Incident]:
    """The incidents of these keys in their order, with what a list shows of each.

    Keys come from a query of incidents alone, which an index serves. As one query with it, the
    eight tables were planned anew for each page, which took longer than reading them, and joined
    for every row that was sorted. A key that is gone by now is left out.
    """
    if not keys:
        return []
    rows = [_related(*row) for row in fetch_all(_LISTED, [list(keys)], _OF_LIST)]
    found = {row.pk: row for row in rows}
    return [found[key] for key in keys if key in found]


def readable_case(staff: Staff, folio: str) -> Incident | None:
    """A case that the person may read, whole, with all that a list shows of one."""
    rows = fetch_all(_ONE, [folio, readable_markets(staff)], _OF_CASE)
    if not rows:
        return None
    found = _related(*rows[0])
    if found.customer.market_id == found.market_id:
        found.customer.market = found.market
    return found


def listed_rows(rows: QuerySet[Incident]) -> list[Incident]:
    """The incidents of an ordered, bounded query, with what a list shows of each."""
    return listed(list(rows.values_list("pk", flat=True)))


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows newest first; `after` and `before` are the keys of the next and previous page."""

    rows: Sequence[Row]
    after: uuid.UUID | None
    before: uuid.UUID | None


def _size(asked: int) -> int:
    return max(1, min(asked, 200))


def _cut(
    rows: QuerySet[Any], *, after: uuid.UUID | None, before: uuid.UUID | None, size: int
) -> tuple[list[Any], bool, bool]:
    """What one page holds, newest first, and whether there are more before and after it."""
    if before is not None:
        found = list(rows.filter(pk__gt=before).order_by("pk")[: size + 1])
        return found[:size][::-1], len(found) > size, True
    start = rows.filter(pk__lt=after) if after is not None else rows
    found = list(start.order_by("-pk")[: size + 1])
    return found[:size], after is not None, len(found) > size


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
    found, more_before, more_after = _cut(rows, after=after, before=before, size=_size(size))
    return Page(
        rows=found,
        after=found[-1].pk if found and more_after else None,
        before=found[0].pk if found and more_before else None,
    )


def _page_of(keys: list[uuid.UUID], more_before: bool, more_after: bool) -> Page[Incident]:
    return Page(
        rows=listed(keys),
        after=keys[-1] if keys and more_after else None,
        before=keys[0] if keys and more_before else None,
    )


def incident_page(
    queryset: QuerySet[Incident],
    *,
    after: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    size: int = 50,
) -> Page[Incident]:
    """One page of a list of incidents, newest first, with what a row shows."""
    keys = queryset.values_list("pk", flat=True)
    return _page_of(*_cut(keys, after=after, before=before, size=_size(size)))


def counted_page(
    queryset: QuerySet[Incident],
    *,
    after: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    size: int = 50,
) -> tuple[Page[Incident], int, bool]:
    """The page as `incident_page`, and the count as `bounded_count`.

    The first page is the beginning of what is counted, so one query answers both: what few rows
    have is looked for once.
    """
    if after is not None or before is not None:
        page = incident_page(queryset, after=after, before=before, size=size)
        return page, *bounded_count(queryset)
    keys = list(queryset.order_by("-pk").values_list("pk", flat=True)[: MOST_COUNTED + 1])
    size = _size(size)
    page = _page_of(keys[:size], False, len(keys) > size)
    return page, min(len(keys), MOST_COUNTED), len(keys) > MOST_COUNTED


def found_page(
    keys: Iterable[uuid.UUID],
    *,
    after: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    size: int = 50,
) -> tuple[Page[Incident], int, bool]:
    """The page and the count as `counted_page`, of keys that a search has brought already."""
    ordered = sorted(keys, reverse=True)
    size = _size(size)
    count = min(len(ordered), MOST_COUNTED), len(ordered) > MOST_COUNTED
    if before is not None:
        newer = [key for key in ordered if key > before]
        return _page_of(newer[-size:], len(newer) > size, True), *count
    rest = [key for key in ordered if key < after] if after is not None else ordered
    return _page_of(rest[:size], after is not None, len(rest) > size), *count


def bounded_count(rows: QuerySet[Any], *, most: int = MOST_COUNTED) -> tuple[int, bool]:
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
