"""What was granted on a case or to a customer, with its coupon and the way of its messages."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import Staff
from compensations.models import Compensation, Coupon
from compensations.selectors import can_void, live_value, visible_compensations
from compensations.states import CompensationState
from delivery.models import Message
from incidents.models import Customer, Incident

from .way import Way, way_of

YEAR = dt.timedelta(days=365)
GIVEN = (CompensationState.ISSUED, CompensationState.SETTLED, CompensationState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Given:
    """One compensation as the page shows it. The coupon's code is never part of it."""

    compensation: Compensation
    coupon: Coupon | None
    ways: list[Way]
    may_void: bool

    @property
    def latest(self) -> Way | None:
        return self.ways[-1] if self.ways else None

    @property
    def sendable(self) -> bool:
        return self.compensation.state == CompensationState.ISSUED


def compensations_on(incident: Incident, staff: Staff) -> list[Compensation]:
    """The case's compensations that the person may see, oldest first, coupons loaded."""
    return list(
        visible_compensations(staff)
        .filter(incident=incident)
        .select_related("coupon", "voided_by")
        .order_by("id")
    )


def given_on(
    compensations: Sequence[Compensation], staff: Staff, messages: Sequence[Message]
) -> list[Given]:
    """Each compensation with the way of its messages, given in the order they were queued."""
    ways: dict[uuid.UUID, list[Way]] = {}
    for message in messages:
        ways.setdefault(message.ref, []).append(way_of(message))
    return [
        Given(row, getattr(row, "coupon", None), ways.get(row.pk, []), can_void(row, staff))
        for row in compensations
    ]


@dataclass(frozen=True, slots=True)
class YearGiven:
    """What a customer got in the last 365 days, in minor units of the market's currency."""

    count: int
    face_minor: int


def given_in_year(customer: Customer) -> YearGiven:
    """Goodwill and statutory together; what was voided does not count."""
    found = Compensation.objects.filter(
        customer=customer, state__in=GIVEN, issued_at__gte=timezone.now() - YEAR
    ).aggregate(count=Count("id"), face=Sum("face_minor"))
    return YearGiven(found["count"], found["face"] or 0)


def live_coupons(customer: Customer) -> list[Compensation]:
    """What the customer can still use, the first to expire first."""
    return list(
        live_value(customer)
        .select_related("coupon", "offer", "market", "incident")
        .order_by("expires_at")[:10]
    )


def given_to(customer: Customer, staff: Staff) -> QuerySet[Compensation]:
    """Everything granted to a customer that the person may see."""
    return visible_compensations(staff).filter(customer=customer).select_related("coupon")


def for_order(customer: Customer, order_ref: str) -> list[Compensation]:
    """What was already given for an order."""
    if not order_ref:
        return []
    return list(
        Compensation.objects.filter(
            Q(state__in=GIVEN), customer=customer, incident__order_ref__iexact=order_ref
        )
        .select_related("offer", "market", "incident")
        .order_by("-id")[:5]
    )
