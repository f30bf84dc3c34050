"""The inbox of requests: what waits, and all that is needed to decide one of them."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Staff
from accounts.states import Role
from common.errors import Refusal
from common.money import format_money, share
from compensations import approvals, limits, scale
from compensations.limits import Room
from compensations.models import Approval, Compensation
from compensations.scale import Range
from compensations.selectors import (
    approvals_to_decide,
    ended_by_itself,
    visible_approvals,
    waiting_approvals,
    why_not_decidable,
)
from compensations.states import ApprovalState, CompensationState, LapseReason, LimitWindow, Measure
from incidents.models import Incident
from incidents.selectors import in_states
from incidents.states import IncidentState

from ..places import Desk
from .given import Asked

# Beside the one that is looked at; more wait behind them.
MOST = 100
YEAR, MONTH = dt.timedelta(days=365), dt.timedelta(days=30)
GIVEN = (CompensationState.ISSUED, CompensationState.SETTLED, CompensationState.EXPIRED)
PAGE = 50
# How long the rail counts what ended by itself.
SAID_FOR = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request in the list beside the detail."""

    approval: Approval
    why_not: Refusal | None

    @property
    def decidable(self) -> bool:
        return self.why_not is None


@dataclass(frozen=True, slots=True)
class History:
    """The customer's last 365 days, this case and request left out; minor units."""

    cases: int
    same_category: int
    given: int
    face_minor: int
    last: Sequence[Compensation]


@dataclass(frozen=True, slots=True)
class Figures:
    """Who asked, over 30 days: cases they own, and what they gave; minor units."""

    cases: int
    compensated: int
    given: int
    face_minor: int
    requests: int
    rejected: int

    @property
    def share_bp(self) -> int:
        """Cases compensated, in basis points."""
        return self.compensated * 10_000 // self.cases if self.cases else 0

    @property
    def percent(self) -> str:
        return f"{share(100, self.share_bp)} %"

    @property
    def mean_minor(self) -> int:
        return self.face_minor // self.given if self.given else 0


@dataclass(frozen=True, slots=True)
class Detail:
    """A request with everything it is decided by."""

    approval: Approval
    row: Compensation
    case: Incident
    why_not: Refusal | None
    changed: LapseReason | None
    because: Sequence[str]
    range: Range | None
    rooms: Sequence[Room]
    above: Room | None
    role: str
    history: History
    figures: Figures
    earlier: Sequence[Approval]

    @property
    def decidable(self) -> bool:
        return self.why_not is None

    @property
    def may_pass_up(self) -> bool:
        return self.decidable and self.role == Role.SUPERVISOR


def to_decide(desk: Desk) -> QuerySet[Approval]:
    """What waits for the person, for the count in the rail."""
    return approvals_to_decide(desk.staff, desk.market)


def own_waiting(desk: Desk) -> QuerySet[Approval]:
    """What the person asked for and nobody decided yet."""
    return Approval.objects.filter(
        requested_by=desk.staff, market=desk.market, state=ApprovalState.PENDING
    )


def own_ended(desk: Desk) -> QuerySet[Approval]:
    """What ended by itself within a day and can be asked for again: nobody told the person."""
    since = timezone.now() - SAID_FOR
    return ended_by_itself(desk.staff, desk.market).filter(closed_at__gte=since)


def own_rows(desk: Desk) -> list[Asked]:
    """Both with what each is about, for the page where a day begins: what ended comes first."""
    about = "compensation__customer", "compensation__incident", "compensation__team"
    ended = own_ended(desk).select_related(*about).order_by("-closed_at")[:6]
    waiting = own_waiting(desk).select_related(*about).order_by("requested_at")[:6]
    found = [Asked(row, True, again=True) for row in ended]
    return found + [Asked(row, True) for row in waiting]


def own_requests(desk: Desk, before: uuid.UUID | None = None) -> list[Asked]:
    """What the person asked for, the newest first, one more than a page shows."""
    rows = visible_approvals(desk.staff).filter(requested_by=desk.staff, market=desk.market)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[: PAGE + 1])
    again = set(
        ended_by_itself(desk.staff, desk.market)
        .filter(pk__in=[row.pk for row in found if row.state == ApprovalState.LAPSED])
        .values_list("pk", flat=True)
    )
    return [Asked(row, True, again=row.pk in again) for row in found]


def inbox(desk: Desk) -> list[Waiting]:
    """Everything of the market that waits and the person may see, the oldest first."""
    rows = list(waiting_approvals(desk.staff).filter(market=desk.market)[:MOST])
    return with_reasons(rows, desk.staff)


def with_reasons(rows: Sequence[Approval], by: Staff) -> list[Waiting]:
    """Each with why the person may not decide it; two queries for all of them."""
    earlier = approvals.earlier_deciders([row.compensation_id for row in rows])
    authors = approvals.contact_authors([row.compensation.customer_id for row in rows])
    return [
        Waiting(row, why_not_decidable(row, by, earlier=earlier, authors=authors)) for row in rows
    ]


def decided(desk: Desk, filters: Mapping[str, Any]) -> QuerySet[Approval]:
    """Requests that wait no more, the newest first; `filters` are cleaned values."""
    rows = (
        visible_approvals(desk.staff)
        .filter(market=desk.market)
        .exclude(state=ApprovalState.PENDING)
        .order_by("-id")
    )
    if filters.get("state"):
        rows = rows.filter(state=filters["state"])
    if filters.get("level"):
        rows = rows.filter(level=filters["level"])
    if filters.get("whose") == "mine":
        rows = rows.filter(decided_by=desk.staff)
    if filters.get("before"):
        rows = rows.filter(pk__lt=filters["before"])
    return rows


# --- one request -------------------------------------------------------------------------------


def detail(desk: Desk, approval: Approval) -> Detail:
    """Reads one visible request whole, with a bounded number of queries."""
    by, row = desk.staff, approval.compensation
    case = (
        Incident.objects.select_related(
            "market", "customer", "category__parent", "location", "owner", "logged_by", "team"
        )
        .filter(pk=row.incident_id)
        .get()
    )
    row.incident, row.customer = case, case.customer
    why_not = why_not_decidable(approval, by)
    waits = approval.state == ApprovalState.PENDING
    role = _role(approval, row, by) if why_not is None else ""
    rooms = _authority(desk, row, role)
    above = limits.blocking(rooms, row.face_minor)
    return Detail(
        approval=approval,
        row=row,
        case=case,
        why_not=why_not,
        changed=_changed(desk, approval, row, case) if waits else None,
        because=[_because(one, desk) for one in approval.content.get("because", [])],
        range=_range(row, case),
        rooms=[room for room in rooms if room.measure == Measure.AMOUNT],
        above=above[0] if above else None,
        role=role,
        history=_history(row, case),
        figures=_figures(approval.requested_by, desk),
        earlier=list(
            Approval.objects.filter(compensation=row)
            .exclude(pk=approval.pk)
            .select_related("decided_by")
            .order_by("id")
        ),
    )


def _role(approval: Approval, row: Compensation, by: Staff) -> str:
    return approvals.deciding_role(approval, row, by)


def _authority(desk: Desk, row: Compensation, role: str) -> list[Room]:
    """What the decider's own limits leave; none for what no limit counts."""
    if not role or row.is_statutory:
        return []
    mine = limits.limits_for(market=desk.market, staff=desk.staff, role=role)
    return limits.rooms(mine.personal())


def _changed(
    desk: Desk, approval: Approval, row: Compensation, case: Incident
) -> LapseReason | None:
    live = scale.live_version(desk.market)
    return approvals.lapse_reason(approval, row, case, live.pk if live else None)


def _range(row: Compensation, case: Incident) -> Range | None:
    try:
        return scale.range_of(row.offer, case.amount_at_stake_minor)
    except Refusal:
        return None


OF_WHOM: dict[str, LazyText] = {
    "grant": gettext_lazy("the limit of one grant"),
    "agent": gettext_lazy("their own limit"),
    "role": gettext_lazy("the limit of their role"),
}
OF_WHEN: dict[str, LazyText] = {
    LimitWindow.DAY: gettext_lazy("of the day"),
    LimitWindow.WEEK: gettext_lazy("of the week"),
    LimitWindow.MONTH: gettext_lazy("of the month"),
}


def _because(one: Mapping[str, Any], desk: Desk) -> str:
    """What made it a request, as it stood when it was asked."""

    def money(minor: int) -> str:
        return format_money(minor, desk.market.currency, desk.market.locale)

    if one["kind"] == approvals.BECAUSE_SCALE:
        return _("From %(from)s on, the scale asks for a second person.") % {
            "from": money(one["from"])
        }
    limit = f"{OF_WHOM.get(one['scope'], '')} {OF_WHEN.get(one['window'], '')}".strip()
    if one["measure"] == Measure.AMOUNT:
        return _("It is above %(limit)s: %(left)s of %(cap)s were left.") % {
            "limit": limit,
            "left": money(one["left"]),
            "cap": money(one["cap"]),
        }
    return _("It is above %(limit)s: %(left)s of %(cap)s compensations were left.") % {
        "limit": limit,
        "left": one["left"],
        "cap": one["cap"],
    }


def _since(span: dt.timedelta) -> tuple[dt.datetime, uuid.UUID]:
    """The moment a span ago, and an id below every one made since: lists go by id."""
    since = timezone.now() - span
    # A row's id is made within a day of its moment.
    floor = int((since - dt.timedelta(days=1)).timestamp() * 1000) << 80
    return since, uuid.UUID(int=floor)


def _history(row: Compensation, case: Incident) -> History:
    since, floor = _since(YEAR)
    cases = (
        Incident.objects.filter(customer=case.customer_id, pk__gte=floor, logged_at__gte=since)
        .exclude(pk=case.pk)
        .aggregate(all=Count("id"), same=Count("id", filter=Q(category=case.category_id)))
    )
    given = Compensation.objects.filter(
        customer=case.customer_id, state__in=GIVEN, pk__gte=floor, issued_at__gte=since
    ).exclude(pk=row.pk)
    sums = given.aggregate(count=Count("id"), face=Sum("face_minor"))
    last = given.select_related("offer", "incident__category").order_by("-id")[:5]
    return History(cases["all"], cases["same"], sums["count"], sums["face"] or 0, list(last))


def _figures(agent: Staff, desk: Desk) -> Figures:
    since, floor = _since(MONTH)
    market = desk.market
    cases = Incident.objects.filter(
        in_states(IncidentState.values),
        owner=agent,
        market=market,
        pk__gte=floor,
        logged_at__gte=since,
    ).aggregate(all=Count("id"), compensated=Count("compensated_at"))
    given = Compensation.objects.filter(
        granted_by=agent, market=market, state__in=GIVEN, pk__gte=floor, issued_at__gte=since
    ).aggregate(count=Count("id"), face=Sum("face_minor"))
    asked = Approval.objects.filter(
        requested_by=agent, market=market, pk__gte=floor, requested_at__gte=since
    ).aggregate(
        all=Count("compensation", distinct=True),
        rejected=Count("id", filter=Q(state=ApprovalState.REJECTED)),
    )
    return Figures(
        cases["all"],
        cases["compensated"],
        given["count"],
        given["face"] or 0,
        asked["all"],
        asked["rejected"],
    )
