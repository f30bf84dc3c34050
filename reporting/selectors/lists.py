"""The rows behind each number: what a measure counts, as a query, and its total.

A measure is counted here from the rows themselves by the definitions of `rolling_sql`, so that the
list adds up to the number that led to it. Rows are compensations, redemptions, approvals or cases,
newest first.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from common.windows import local_date
from compensations.models import Approval, Compensation, Coupon, Redemption
from compensations.states import COUPON_KINDS, ApprovalState, CompensationState, OfferKind
from incidents.models import Incident
from incidents.selectors import UNRESOLVED, logged_between, with_list_relations

from ..states import Measure, Unit
from .given import EDGES, edges_age, edges_left
from .slices import NOBODY, Slice
from .week import spans

Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow:
    """What narrows a list beyond its part: one customer, one band or square of a chart.

    Monday is weekday 0; both it and the hour are the market's.
    """

    customer: uuid.UUID | None = None
    left: int | None = None
    age: int | None = None
    weekday: int | None = None
    hour: int | None = None

    @property
    def of_week(self) -> bool:
        return self.weekday is not None or self.hour is not None


@dataclass(frozen=True, slots=True)
class Total:
    """The foot of a list. `minor` None where the rows carry no amount; `people` are customers."""

    number: int
    minor: int | None
    expected: int | None = None
    people: int | None = None


def _of_part(part: Slice, path: str = "") -> Q:
    """The part's rows among compensations, or among what points at one by `path`."""

    def at(name: str) -> str:
        return f"{path}{name}"

    wanted = Q(**{at("market"): part.market.pk})
    for name, value in {
        "team": part.team,
        "location": part.location,
        "channel": part.channel,
        "severity": part.severity,
        "is_statutory": part.is_statutory,
        "granted_by": part.staff,
    }.items():
        if value is not None:
            wanted &= Q(**{at(name): value})
    if part.categories is not None:
        wanted &= Q(**{at("category__in"): part.categories})
    if part.kinds is not None:
        wanted &= Q(**{at("kind__in"): part.kinds})
    if part.sight.own:
        wanted &= Q(**{at("granted_by"): part.sight.staff.pk})
    elif part.sight.teams is not None:
        wanted &= Q(**{at("team__in"): part.sight.teams})
    return wanted


def _during(part: Slice, name: str) -> Q:
    start, end = part.bounds
    return Q(**{f"{name}__gte": start, f"{name}__lt": end})


def _with(rows: Rows, at: Any, minor: Any) -> Rows:
    """The rows with their moment and their amount."""
    return cast("Rows", rows.annotate(at=at, minor=minor))


def _compensations(part: Slice, moment: str, *extra: Q, **fields: Any) -> Rows:
    """Compensations of the part whose `moment` lies in its days."""
    rows = Compensation.objects.filter(_of_part(part), _during(part, moment), *extra, **fields)
    return _with(rows, F(moment), F("face_minor"))


def _approved_exists() -> Exists:
    return Exists(Approval.objects.filter(compensation=OuterRef("pk"), state="approved"))


def _issued(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "issued_at")


def _direct(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "issued_at", ~Q(_approved_exists()))


def _approved(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "issued_at", Q(_approved_exists()))


def _reissued(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "issued_at", reissue_of__isnull=False)


def _coupons(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "issued_at", kind__in=COUPON_KINDS)


def _used(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "issued_at", kind__in=COUPON_KINDS, state=CompensationState.SETTLED)


def _voided(part: Slice, _narrow: Narrow) -> Rows:
    return _compensations(part, "ended_at", state=CompensationState.VOIDED)


def _balance(reference: str) -> Subquery:
    """What is left on the coupon of a compensation."""
    return Subquery(
        Coupon.objects.filter(compensation=OuterRef(reference)).values("balance_minor")[:1]
    )


def _expired(part: Slice, _narrow: Narrow) -> Rows:
    rows = Compensation.objects.filter(
        _of_part(part), _during(part, "ended_at"), state=CompensationState.EXPIRED
    )
    return _with(rows, F("ended_at"), Coalesce(_balance("pk"), Value(0)))


def _redemptions(part: Slice, moment: str) -> Rows:
    rows = Redemption.objects.filter(
        _of_part(part, "coupon__compensation__"), _during(part, moment), market=part.market
    )
    return _with(rows, F(moment), F("amount_minor"))


def _redeemed(part: Slice, _narrow: Narrow) -> Rows:
    return _redemptions(part, "created_at")


def _reversed(part: Slice, _narrow: Narrow) -> Rows:
    return _redemptions(part, "reversal__created_at")


def _requested(part: Slice, _narrow: Narrow) -> Rows:
    asked = Exists(Approval.objects.filter(compensation=OuterRef("pk")))
    return _compensations(part, "created_at", Q(asked))


def _approvals(part: Slice, moment: str, *extra: Q, **fields: Any) -> Rows:
    rows = Approval.objects.filter(
        _of_part(part, "compensation__"), *extra, market=part.market, **fields
    )
    return _with(rows, F(moment), F("compensation__face_minor"))


def _rejected(part: Slice, _narrow: Narrow) -> Rows:
    within = _during(part, "decided_at")
    return _approvals(part, "decided_at", within, state=ApprovalState.REJECTED)


def _withdrawn(part: Slice, _narrow: Narrow) -> Rows:
    within = _during(part, "closed_at")
    return _approvals(part, "closed_at", within, state=ApprovalState.WITHDRAWN)


def _lapsed(part: Slice, _narrow: Narrow) -> Rows:
    within = _during(part, "closed_at")
    return _approvals(part, "closed_at", within, state=ApprovalState.LAPSED)


def _waiting(part: Slice, _narrow: Narrow) -> Rows:
    return _approvals(part, "requested_at", state=ApprovalState.PENDING)


def _standing(part: Slice) -> Rows:
    """Goodwill of the part that was not taken back."""
    return _compensations(part, "issued_at", ~Q(state=CompensationState.VOIDED), is_statutory=False)


def _repeat(part: Slice, narrow: Narrow) -> Rows:
    """Every standing goodwill grant to a customer who got two or more from the same agent."""
    rows = _standing(part)
    if narrow.customer is not None:
        return rows.filter(customer=narrow.customer)
    pairs = (
        rows.order_by()
        .values("granted_by", "customer")
        .annotate(number=Count("pk"))
        .filter(number__gt=1)
    )
    # Both columns have to match, so the pair is looked for as one.
    same = pairs.filter(granted_by=OuterRef("granted_by"), customer=OuterRef("customer"))
    return rows.filter(Exists(same))


def _valid(part: Slice, narrow: Narrow) -> Rows:
    """Valid and not redeemed now, whatever the part's days."""
    now = timezone.now()
    today = local_date(now, part.market.time_zone)
    rows: Rows = Compensation.objects.filter(
        _of_part(part), state=CompensationState.ISSUED, expires_at__gt=now
    )
    if narrow.left is not None:
        edges = edges_left(part, today)
        if narrow.left > 0:
            rows = rows.filter(expires_at__gte=edges[narrow.left - 1])
        if narrow.left < len(EDGES):
            rows = rows.filter(expires_at__lt=edges[narrow.left])
    if narrow.age is not None:
        youngest = edges_age(part, today)[::-1]
        if narrow.age < len(EDGES):
            rows = rows.filter(issued_at__gte=youngest[narrow.age])
        if narrow.age > 0:
            rows = rows.filter(issued_at__lt=youngest[narrow.age - 1])
    left = Case(
        When(kind=OfferKind.GIFT_CARD, then=Coalesce(_balance("pk"), F("face_minor"))),
        default=F("face_minor"),
        output_field=BigIntegerField(),
    )
    return _with(rows, F("issued_at"), left)


def _cases(part: Slice, _narrow: Narrow) -> Rows:
    rows: Rows = Incident.objects.filter(market=part.market)
    for name, value in {
        "team": part.team,
        "location": part.location,
        "channel": part.channel,
        "severity": part.severity,
    }.items():
        if value is not None:
            rows = rows.filter(**{name: value})
    if part.categories is not None:
        rows = rows.filter(category__in=part.categories)
    if part.staff == NOBODY:
        rows = rows.filter(owner=None)
    elif part.staff is not None:
        rows = rows.filter(owner=part.staff)
    if part.sight.own:
        rows = rows.filter(owner=part.sight.staff)
    elif part.sight.teams is not None:
        rows = rows.filter(team__in=part.sight.teams)
    rows = logged_between(rows, *part.bounds)
    return _with(rows, F("logged_at"), Value(None, output_field=BigIntegerField()))


def _compensated(part: Slice, narrow: Narrow) -> Rows:
    standing = Compensation.objects.filter(
        incident=OuterRef("pk"), issued_at__isnull=False
    ).exclude(state=CompensationState.VOIDED)
    return _cases(part, narrow).filter(Exists(standing))


HAS_CLOCK = Q(compensate_due_at__isnull=False) | Q(resolve_due_at__isnull=False)


def _is_late() -> Q:
    """Past a clock as of now: done late, or open and not done yet."""
    now = timezone.now()
    done = Q(compensated_at__gt=F("compensate_due_at")) | Q(resolved_at__gt=F("resolve_due_at"))
    not_done = Q(compensated_at=None, compensate_due_at__lte=now) | Q(
        resolved_at=None, resolve_due_at__lte=now
    )
    return done | (UNRESOLVED & not_done)


def _late(part: Slice, narrow: Narrow) -> Rows:
    return _cases(part, narrow).filter(_is_late())


def _in_time(part: Slice, narrow: Narrow) -> Rows:
    """With clocks, none of them missed; settled or open."""
    # Not `exclude`: a comparison with an empty moment is neither true nor false.
    late = Case(When(_is_late(), then=Value(1)), default=Value(0))
    return cast(
        "Rows", _cases(part, narrow).filter(HAS_CLOCK).alias(is_late=late).filter(is_late=0)
    )


def _on_time(part: Slice, narrow: Narrow) -> Rows:
    return _in_time(part, narrow).filter(~UNRESOLVED)


def _running(part: Slice, narrow: Narrow) -> Rows:
    return _in_time(part, narrow).filter(UNRESOLVED)


ROWS: dict[Measure, Callable[[Slice, Narrow], Rows]] = {
    Measure.ISSUED: _issued,
    Measure.DIRECT: _direct,
    Measure.APPROVED: _approved,
    Measure.REISSUED: _reissued,
    Measure.COUPONS: _coupons,
    Measure.USED: _used,
    Measure.VOIDED: _voided,
    Measure.EXPIRED: _expired,
    Measure.REDEEMED: _redeemed,
    Measure.REVERSED: _reversed,
    Measure.REQUESTED: _requested,
    Measure.REJECTED: _rejected,
    Measure.WITHDRAWN: _withdrawn,
    Measure.LAPSED: _lapsed,
    Measure.WAITING: _waiting,
    Measure.REPEAT: _repeat,
    Measure.VALID: _valid,
    Measure.CASES: _cases,
    Measure.COMPENSATED: _compensated,
    Measure.LATE: _late,
    Measure.ON_TIME: _on_time,
    Measure.RUNNING: _running,
}


def rows_behind(measure: Measure, part: Slice, narrow: Narrow) -> Rows:
    """The rows of a measure, each with `at` (its moment) and `minor` (its amount or None).

    What is of this moment, whatever the period, has no weekday and no hour to be narrowed by.
    """
    rows = ROWS[measure](part, narrow)
    if narrow.of_week and not measure.is_of_now:
        within = [
            Q(at__gte=start, at__lt=end) for start, end in spans(part, narrow.weekday, narrow.hour)
        ]
        # Spans, not a sum over each row's clock: the index of the moments leads to them alone.
        rows = rows.filter(Q(*within, _connector=Q.OR)) if within else rows.none()
    return rows


def total_of(measure: Measure, rows: Rows) -> Total:
    """How many rows and how much: one query over all of them, whatever a page shows."""
    plain = rows.order_by()
    if measure.unit is Unit.CASES:
        return Total(plain.count(), None)
    asked: dict[str, Any] = {"number": Count("pk"), "sum": Coalesce(Sum("minor"), Value(0))}
    if measure.unit is Unit.COMPENSATIONS:
        asked["expected"] = Coalesce(Sum("expected_cost_minor"), Value(0))
    if measure is Measure.REPEAT:
        asked["people"] = Count("customer", distinct=True)
    found = plain.aggregate(**asked)
    return Total(
        found["number"],
        int(found["sum"]),
        found.get("expected") if measure.shows_expected else None,
        found.get("people"),
    )


def with_relations(measure: Measure, rows: Rows) -> Rows:
    """What a list shows of each row, in the same query."""
    if measure.unit is Unit.CASES:
        return with_list_relations(rows)
    path = {
        Unit.COMPENSATIONS: "",
        Unit.REDEMPTIONS: "coupon__compensation__",
        Unit.APPROVALS: "compensation__",
    }[measure.unit]
    names = ["incident", "customer", "granted_by", "category", "offer", "team", "location"]
    found = rows.select_related(*(f"{path}{name}" for name in names)).defer(
        f"{path}incident__narrative_search",
        f"{path}incident__narrative",
        f"{path}customer__name_search",
    )
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list, whatever stands behind it. `offer` is empty for a case."""

    row: Model
    at: dt.datetime
    minor: int | None
    folio: str
    customer: str
    agent: str
    team: str
    location: str
    category: str
    severity: str
    channel: str
    state: str
    state_name: str
    offer: str = ""
    kind: str = ""
    expected: int | None = None
    note: str = ""


def line_of(measure: Measure, row: Any) -> Line:
    """A row of `with_relations`, flattened for page, file and API alike."""
    if measure.unit is Unit.CASES:
        return Line(
            row=row,
            at=row.at,
            minor=None,
            folio=row.folio,
            customer=row.customer.name,
            agent=row.owner.name if row.owner else "",
            team=row.team.name if row.team else "",
            location=row.location.name if row.location else "",
            category=row.category.name,
            severity=row.get_severity_display(),
            channel=row.get_channel_display(),
            state=row.state,
            state_name=row.get_state_display(),
        )
    given: Compensation = (
        row
        if measure.unit is Unit.COMPENSATIONS
        else row.compensation
        if measure.unit is Unit.APPROVALS
        else row.coupon.compensation
    )
    note = given.void_reason if measure is Measure.VOIDED else ""
    if measure.unit is Unit.APPROVALS:
        note = row.decision_reason or row.reason
    return Line(
        row=row,
        at=row.at,
        minor=row.minor,
        folio=given.incident.folio,
        customer=given.customer.name,
        agent=given.granted_by.name,
        team=given.team.name if given.team else "",
        location=given.location.name if given.location else "",
        category=given.category.name,
        severity=given.get_severity_display(),
        channel=given.get_channel_display(),
        state=given.state,
        state_name=given.get_state_display(),
        offer=given.offer.name,
        kind=given.get_kind_display(),
        expected=given.expected_cost_minor if measure.shows_expected else None,
        note=note,
    )
