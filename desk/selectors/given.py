"""What was granted on a case or to a customer, with its coupon and the way of its messages."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Staff
from compensations.approvals import FINANCE_LEVEL
from compensations.handovers import is_in_use
from compensations.models import Approval, Compensation, Coupon
from compensations.selectors import can_void, live_value, visible_compensations
from compensations.states import ApprovalState, CompensationState, LapseReason
from delivery.models import Message
from incidents.models import Customer, Incident

from .way import Way, way_of

# A request is usually decided in this time; afterwards the page asks less often.
AT_FIRST = dt.timedelta(minutes=15)
YEAR = dt.timedelta(days=365)
LIVE = frozenset({CompensationState.REQUESTED, CompensationState.ISSUED})
GIVEN = (CompensationState.ISSUED, CompensationState.SETTLED, CompensationState.EXPIRED)


# How often the page asks whether a request was decided, in seconds: at first, and later.
SOON, LATER = 5, 30


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as whoever asked follows it."""

    approval: Approval
    mine: bool
    # Whether it ended by itself and can be asked for again.
    again: bool = False

    @property
    def waiting(self) -> bool:
        return self.approval.state == ApprovalState.PENDING

    @property
    def poll(self) -> int:
        """In seconds; 0 where nothing is to come."""
        if not self.waiting:
            return 0
        return SOON if timezone.now() - self.approval.requested_at < AT_FIRST else LATER

    @property
    def seen(self) -> str:
        """What has to differ for the page to be drawn again."""
        return f"{self.approval.pk.hex[-8:]}-{self.approval.state}"

    @property
    def waits_for(self) -> str:
        """Whose decision it is, by name of the team where supervisors decide."""
        if self.approval.level == FINANCE_LEVEL:
            return _("finance")
        team = self.approval.compensation.team
        if team is None:
            return _("the supervisors")
        return _("the supervisors of %(team)s") % {"team": team.name}

    @property
    def ended(self) -> str:
        """How it ended, in words; empty while it waits."""
        row = self.approval
        values = {
            "name": row.decided_by.name if row.decided_by else "",
            "reason": row.decision_reason,
        }
        match row.state:
            case ApprovalState.APPROVED:
                return _("Approved by %(name)s") % values
            case ApprovalState.REJECTED:
                return _("Rejected by %(name)s: %(reason)s") % values
            case ApprovalState.WITHDRAWN:
                return _("Withdrawn by who asked")
            case ApprovalState.LAPSED:
                known = row.decision_reason in LapseReason.values
                why = LapseReason(row.decision_reason).label if known else row.decision_reason
                return _("Ended by itself: %(reason)s") % {"reason": why}
        return ""


@dataclass(frozen=True, slots=True)
class Given:
    """One compensation as the page shows it. The coupon's code is never part of it."""

    compensation: Compensation
    coupon: Coupon | None
    ways: list[Way]
    may_void: bool
    asked: Asked | None = None

    @property
    def latest(self) -> Way | None:
        return self.ways[-1] if self.ways else None

    @property
    def arrived(self) -> Way | None:
        """The newest message of which it is known that it reached the customer."""
        return next((way for way in reversed(self.ways) if way.arrived), None)

    @property
    def has_it(self) -> bool:
        """Whether the customer is known to have it: a message arrived, or some of it was used."""
        return self.arrived is not None or is_in_use(self.compensation)

    @property
    def shown(self) -> Way | None:
        """The way that says best how it stands.

        That is the newest, which may need somebody. A link that was prepared and not confirmed says
        nothing about a customer who has it already; None where nothing else was sent.
        """
        latest = self.latest
        return self.arrived if latest is not None and latest.unconfirmed and self.has_it else latest

    @property
    def arrived_before(self) -> Way | None:
        """What had reached the customer before what is shown, such as a resend that failed."""
        return self.arrived if self.arrived is not self.shown else None

    @property
    def to_confirm(self) -> bool:
        """Whether the customer waits for the link that was prepared."""
        return self.latest is not None and self.latest.to_confirm and not self.has_it

    @property
    def prepared(self) -> Way | None:
        """A link that can be shown as it is: made to be handed over, newest, not confirmed."""
        return self.latest if self.latest is not None and self.latest.to_confirm else None

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
    """Each compensation with the way of its messages, given in the order they were queued.

    What can be used or is waited for comes first, then what is over; each oldest first.
    """
    ways: dict[uuid.UUID, list[Way]] = {}
    live = {row.pk for row in compensations if row.state in LIVE}
    for message in messages:
        ways.setdefault(message.ref, []).append(way_of(message, live=message.ref in live))
    asked = asked_for(compensations, staff)
    return [
        Given(
            row,
            getattr(row, "coupon", None),
            ways.get(row.pk, []),
            can_void(row, staff),
            asked.get(row.pk),
        )
        for row in sorted(compensations, key=lambda row: row.state not in LIVE)
    ]


def asked_for(compensations: Sequence[Compensation], staff: Staff) -> dict[uuid.UUID, Asked]:
    """The last approval of each of those that were requested."""
    if not compensations:
        return {}
    rows = (
        Approval.objects.filter(compensation__in=[row.pk for row in compensations])
        .select_related("decided_by", "compensation__team")
        .order_by("id")
    )
    return {row.compensation_id: Asked(row, row.requested_by_id == staff.pk) for row in rows}


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
