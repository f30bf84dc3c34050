"""Lists of cases: the quick views, their bounded counts, and the addresses that filter them."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Case, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from common.windows import day_bounds, local_date
from incidents.models import Incident, Promise
from incidents.selectors import (
    IMPORTED,
    MOST_COUNTED,
    UNRESOLVED,
    Page,
    listed,
    listed_rows,
    visible_incidents,
)
from incidents.states import PromiseState, Severity

from ..places import Desk
from . import approvals

# A count beside a link is read at a glance: above this it says "99+".
MOST = 99
SOON = dt.timedelta(hours=1)


def cases(desk: Desk) -> QuerySet[Incident]:
    """Every case of the market the person is in."""
    return visible_incidents(desk.staff).filter(market=desk.market)


def mine(desk: Desk) -> QuerySet[Incident]:
    """Open cases the person owns."""
    return cases(desk).filter(UNRESOLVED, owner=desk.staff)


def team_ids(desk: Desk) -> list[int]:
    """The teams whose cases are the person's: their own and those they supervise here."""
    teams: set[int] = set()
    if desk.staff.has_role(desk.market, Role.SUPERVISOR):
        teams |= desk.staff.supervised_team_ids
    if desk.staff.team_id is not None:
        teams.add(desk.staff.team_id)
    return sorted(teams)


def of_team(desk: Desk) -> QuerySet[Incident]:
    """Open cases of those teams."""
    return cases(desk).filter(UNRESOLVED, team__in=team_ids(desk))


def critical(desk: Desk) -> QuerySet[Incident]:
    """Open critical cases of the market; imported ones once somebody works them."""
    rows = cases(desk).filter(UNRESOLVED, severity=Severity.CRITICAL)
    return rows.exclude(IMPORTED, owner=None)


def unassigned(desk: Desk) -> QuerySet[Incident]:
    """Open cases that nobody owns, as a program opens them: whoever works one first owns it.

    What a file brought waits for nobody: the list's filter by origin finds it.
    """
    return cases(desk).filter(UNRESOLVED, ~IMPORTED, owner=None)


# The clock that runs: compensating first, as long as nothing was given (see `clocks.next_clock`).
NEXT_DUE = Case(
    When(compensated_at=None, compensate_due_at__isnull=False, then=F("compensate_due_at")),
    default=F("resolve_due_at"),
    output_field=DateTimeField(),
)


def _of_team_or_own(desk: Desk) -> QuerySet[Incident]:
    """Open cases that are the person's to see to."""
    whose = Q(owner=desk.staff) | Q(team__in=team_ids(desk))
    return cases(desk).filter(UNRESOLVED, whose)


def overdue(desk: Desk) -> QuerySet[Incident]:
    """Those whose clock has run out."""
    return _of_team_or_own(desk).filter(LessThanOrEqual(NEXT_DUE, timezone.now()))


def due_soon(desk: Desk) -> QuerySet[Incident]:
    """Those whose clock runs out within the hour and has not yet."""
    now = timezone.now()
    return _of_team_or_own(desk).filter(
        GreaterThan(NEXT_DUE, now), LessThanOrEqual(NEXT_DUE, now + SOON)
    )


def end_of_today(desk: Desk) -> dt.datetime:
    """The moment at which the market's local day ends."""
    zone = desk.market.time_zone
    return day_bounds(local_date(timezone.now(), zone), zone)[1]


def promises(desk: Desk) -> QuerySet[Promise]:
    """Promises still owed in the market, on cases the person may see."""
    return Promise.objects.filter(
        market=desk.market, state=PromiseState.DUE, incident__in=visible_incidents(desk.staff)
    )


def own_promises_today(desk: Desk) -> QuerySet[Promise]:
    """What the person themself owes by the end of today."""
    return Promise.objects.filter(
        market=desk.market,
        owner=desk.staff,
        state=PromiseState.DUE,
        due_at__lt=end_of_today(desk),
    )


def with_promise_due(desk: Desk) -> QuerySet[Incident]:
    """Cases on which something promised is owed by the end of today."""
    owed = Promise.objects.filter(
        incident=OuterRef("pk"), state=PromiseState.DUE, due_at__lt=end_of_today(desk)
    )
    return cases(desk).filter(Exists(owed))


Rows = Callable[[Desk], QuerySet[Any]]

VIEWS: dict[str, Callable[[Desk], QuerySet[Incident]]] = {
    "mine": mine,
    "team": of_team,
    "unassigned": unassigned,
    "critical": critical,
    "overdue": overdue,
    "due": due_soon,
    "promises": with_promise_due,
}


# Views that are read from the next to run out, not by page: nobody leafs through what is late.
BY_DEADLINE = frozenset({"overdue", "due", "unassigned"})
MOST_BY_DEADLINE = 200


def by_deadline(rows: QuerySet[Incident]) -> tuple[Page[Incident], int, bool]:
    """The first rows of such a view, the next to run out first, and its count."""
    ordered = rows.order_by(NEXT_DUE.asc(nulls_last=True), "-id").values_list("pk", flat=True)
    keys = list(ordered[: MOST_COUNTED + 1])
    page = Page(listed(keys[:MOST_BY_DEADLINE]), None, None)
    return page, min(len(keys), MOST_COUNTED), len(keys) > MOST_COUNTED


def home_counts(desk: Desk) -> dict[str, str]:
    """What the tiles of the first page say; each has a list that adds up to it."""
    return counts(
        desk,
        {
            "overdue": overdue,
            "due": due_soon,
            "critical": critical,
            "promises": own_promises_today,
        },
    )


def critical_of_team(desk: Desk) -> QuerySet[Incident]:
    """Open critical cases of those teams."""
    return of_team(desk).filter(severity=Severity.CRITICAL)


def waiting_counts(desk: Desk) -> dict[str, str]:
    """What waits for whoever leads, beside cases of their own; only what there is any of."""
    if not desk.holds(Role.SUPERVISOR):
        return {}
    found = counts(desk, {"approvals": approvals.to_decide, "critical": critical_of_team})
    return {name: count for name, count in found.items() if count != "0"}


def bounded_counts(wanted: Mapping[str, QuerySet[Any]], *, most: int = MOST) -> dict[str, str]:
    """How many rows each query has, in one round trip, none counted beyond `most`."""
    parts = [
        rows.order_by().select_related(None).values_list(Value(name))[: most + 1]
        for name, rows in wanted.items()
    ]
    if not parts:
        return {}
    united = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    found = Counter(name for (name,) in united)
    return {name: f"{most}+" if found[name] > most else str(found[name]) for name in wanted}


def frame_counts(desk: Desk) -> dict[str, Rows]:
    """What the rail counts for whoever works here or decides."""
    wanted: dict[str, Rows] = {}
    if desk.can_work:
        wanted |= {
            "mine": mine,
            "team": of_team,
            "unassigned": unassigned,
            "promises": own_promises_today,
            "requests": approvals.own_waiting,
            "ended": approvals.own_ended,
        }
    if desk.holds(Role.SUPERVISOR):
        wanted["critical"] = critical
    if desk.holds(Role.SUPERVISOR, Role.FINANCE):
        wanted["approvals"] = approvals.to_decide
    return wanted


def counts(desk: Desk, wanted: Mapping[str, Rows]) -> dict[str, str]:
    """How many rows each of these has for the person, as `bounded_counts`.

    The rail's are asked along: it is drawn around the page, mostly counts the same, and finds them.
    """
    every = dict.fromkeys([*wanted.values(), *frame_counts(desk).values()])
    asked = {str(place): rows for place, rows in enumerate(every) if rows not in desk.counted}
    found = bounded_counts({place: rows(desk) for place, rows in asked.items()})
    desk.counted.update({rows: found[place] for place, rows in asked.items()})
    return {name: desk.counted[rows] for name, rows in wanted.items()}


def view_counts(desk: Desk) -> dict[str, str]:
    """The count of each quick view."""
    return counts(desk, VIEWS)


def my_next(desk: Desk, *, limit: int = 30) -> list[Incident]:
    """The person's open cases, the next to run out first."""
    return listed_rows(mine(desk).order_by(NEXT_DUE.asc(nulls_last=True), "-id")[:limit])


def last_case_of(staff: Staff, desk: Desk) -> Incident | None:
    """The newest case the person logged here: intake takes its defaults from it."""
    return (
        Incident.objects.filter(market=desk.market, owner=staff, logged_by=staff)
        .only("id", "channel", "location_id")
        .order_by("-id")
        .first()
    )
