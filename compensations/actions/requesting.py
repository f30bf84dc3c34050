"""Asking for what one may not grant alone, and the ends of a request that are nobody's decision.

Room in the shared limits is reserved when it is asked for and given back when it ends without a
grant. What a person decides alone is bounded by their personal limits, which a request passes.
"""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Staff
from audit.actions import SYSTEM, Actor, event
from audit.models import AuditEvent
from common.errors import NotAllowed, Refusal
from common.rows import Batch, insert, sent_at_once
from common.transactions import atomic_act
from incidents import bounds
from incidents.models import Incident

from .. import approvals, limits, scale, taking
from ..models import Approval, Compensation, Offer
from ..refusals import AlreadyGranted, GrantDirectly, LimitExceeded, NeedsApproval
from ..states import ApprovalState, CompensationState
from .granting import grant
from .locking import lock_case, rules_now
from .preparing import ONCE_PER_OFFER, Ground, prepare, unsaved
from .sending import granted_message

REASON_LENGTH = 500
# The states a request ends in without a grant, with the arrow of its compensation.
ENDINGS = {
    ApprovalState.REJECTED: CompensationState.REJECTED,
    ApprovalState.WITHDRAWN: CompensationState.WITHDRAWN,
    ApprovalState.LAPSED: CompensationState.LAPSED,
}


@atomic_act
def request(
    *,
    incident: Incident,
    offer: Offer,
    amount_minor: int | None = None,
    reason: str,
    channel: str | None = None,
    by: Staff,
) -> Compensation:
    """Asks a second person for an offer that `by` may not grant alone; reserves its room.

    Amount and channel as in `grant`, where the channel is kept for the day of the yes; the reason
    has 1 to 500 characters. `compensation.approvals` then has one that is pending. Raises
    GrantDirectly, InvalidInput, LimitExceeded for a limit that holds for everybody, and what
    `grant` raises but NeedsApproval.
    """
    reason = bounds.text(reason, "reason", REASON_LENGTH, required=True)
    ground = prepare(incident=incident, offer=offer, amount_minor=amount_minor, by=by)
    case, market = ground.case, ground.case.market
    now = timezone.now()
    compensation = unsaved(ground, by=by)
    # Only to hear now, from whoever can still choose, that a channel reaches nobody.
    granted_message(compensation, ground.contacts, channel)
    compensation.send_by = channel or ""
    applicable = limits.NONE
    if not compensation.is_statutory:
        applicable = limits.limits_for(
            market=market,
            staff=by,
            customer=case.customer,
            incident=case,
            at=now,
            in_force=ground.in_force,
        ).together_with(ground.sharing)
    approval = _asked(compensation, ground, applicable, reason, now)
    batch = Batch()
    batch.insert(compensation, approval, _requested_event(compensation, approval, by))
    batch.means(ONCE_PER_OFFER, partial(AlreadyGranted, field="offer"))
    taking.take(
        compensation, applicable.shared(), market=market, batch=batch, refuse=ground.exceeded
    )
    # For whoever shows the answer: the same that a list reads for many at once.
    compensation.decisions = [approval]  # type: ignore[attr-defined]
    return compensation


def _asked(
    compensation: Compensation,
    ground: Ground,
    applicable: limits.Applicable,
    reason: str,
    now: dt.datetime,
) -> Approval:
    """The unsaved approval that waits. Raises GrantDirectly where nothing asks for one."""
    because = approvals.reasons_for(
        offer_bound=ground.offer.approval_from_minor,
        rooms=limits.rooms(applicable.personal()),
        minor=ground.minor,
    )
    if not because:
        raise GrantDirectly(field="offer")
    content = approvals.content_of(compensation, ground.case, because)
    market = ground.case.market
    return Approval(
        market=market,
        compensation=compensation,
        content=content,
        content_hash=approvals.content_hash(content),
        level=approvals.first_level(compensation, ground.case, ground.in_force),
        reason=reason,
        requested_by=compensation.granted_by,
        lapses_at=now + dt.timedelta(minutes=market.request_minutes),
    )


def _requested_event(compensation: Compensation, approval: Approval, by: Staff) -> AuditEvent:
    return event(
        act="compensation.requested",
        by=by.as_actor(limits.acting_role(by, compensation.market)),
        object_kind="compensation",
        object_id=compensation.pk,
        about_id=compensation.incident_id,
        market_code=compensation.market.code,
        after={
            "approval": str(approval.pk),
            "level": approval.level,
            "because": approval.content["because"],
            "kind": compensation.kind,
            "offer": compensation.offer.name_es,
            "face_minor": compensation.face_minor,
            "currency": compensation.currency,
            "scale": compensation.version.number,
            "customer": str(compensation.customer_id),
        },
        reason=approval.reason,
    )


def grant_or_request(
    *,
    incident: Incident,
    offer: Offer,
    amount_minor: int | None = None,
    reason: str = "",
    channel: str | None = None,
    by: Staff,
) -> Compensation:
    """Grants, or asks where that needs a second person and a reason was given.

    Without a reason the refusal of `grant` stands, whose `request` says that asking would help.
    Raises what `grant` and `request` raise.
    """
    wanted: dict[str, Any] = {
        "incident": incident,
        "offer": offer,
        "amount_minor": amount_minor,
        "channel": channel,
        "by": by,
    }
    if not reason.strip():
        return grant(**wanted)
    try:
        with sent_at_once():
            return grant(**wanted)
    except (NeedsApproval, LimitExceeded) as refusal:
        if not refusal.extra.get("request"):
            raise
    try:
        return request(**wanted, reason=reason)
    except GrantDirectly:
        # Room came back between the two.
        return grant(**wanted)


# --- the ends of a request ---------------------------------------------------------------------


def locked_request(approval: Approval) -> tuple[Incident, Compensation, Approval]:
    """Case, compensation and approval, locked in the one order.

    Raises AlreadyDecided for one that waits no more.
    """
    incident_id = Compensation.objects.values_list("incident_id", flat=True).get(
        pk=approval.compensation_id
    )
    if "decide" in settings.GUARDS_OFF:
        case = Incident.objects.select_related("market", "customer", "category").get(pk=incident_id)
        return case, _of_case(approval.compensation, case), approval
    case = lock_case(incident_id)
    compensation = (
        Compensation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("offer", "version", "rule", "granted_by")
        .get(pk=approval.compensation_id)
    )
    row = (
        Approval.objects.select_for_update(of=("self",), no_key=True)
        .select_related("decided_by")
        .get(pk=approval.pk)
    )
    if row.state != ApprovalState.PENDING:
        raise approvals.already_decided(row)
    return case, _of_case(compensation, case), row


def _of_case(compensation: Compensation, case: Incident) -> Compensation:
    compensation.incident, compensation.market = case, case.market
    compensation.customer, compensation.category = case.customer, case.category
    return compensation


def approval_event(
    approval: Approval,
    compensation: Compensation,
    by: Actor,
    reason: str,
    *,
    passed_up: bool = False,
) -> AuditEvent:
    """The unsaved audit row of an approval's arrow from pending."""
    return event(
        act=f"approval.{approval.state}",
        by=by,
        object_kind="approval",
        object_id=approval.pk,
        about_id=compensation.incident_id,
        market_code=compensation.market.code,
        before={"state": ApprovalState.PENDING.value},
        after={
            "state": str(approval.state),
            "level": approval.level,
            "compensation": str(compensation.pk),
            "face_minor": compensation.face_minor,
            "currency": compensation.currency,
            "requested_by": str(approval.requested_by_id),
            "passed_up": passed_up,
        },
        reason=reason,
    )


def end_request(
    approval: Approval,
    compensation: Compensation,
    state: ApprovalState,
    *,
    by: Actor,
    decider: Staff | None = None,
    reason: str = "",
) -> Approval:
    """Ends a locked request without a grant and gives its room back, in the same windows, once."""
    now = timezone.now()
    approval.state = state
    approval.decision_reason = reason
    if decider is None:
        approval.closed_at = now
    else:
        approval.decided_at, approval.decided_by = now, decider
    approval.save(
        update_fields=["state", "decision_reason", "closed_at", "decided_at", "decided_by"]
    )
    compensation.state = ENDINGS[state]
    compensation.ended_at = now
    compensation.save(update_fields=["state", "ended_at"])
    insert(
        approval_event(approval, compensation, by, reason),
        event(
            act=f"compensation.{compensation.state}",
            by=by,
            object_kind="compensation",
            object_id=compensation.pk,
            about_id=compensation.incident_id,
            market_code=compensation.market.code,
            before={"state": CompensationState.REQUESTED.value},
            after={"state": compensation.state.value, "face_minor": compensation.face_minor},
            reason=reason,
        ),
    )
    taking.give_back(compensation.pk)
    return approval


@transaction.atomic
def withdraw(
    *,
    approval: Approval | None = None,
    compensation: Compensation | None = None,
    by: Staff,
) -> Approval:
    """Takes one's own waiting request back. Raises NotAllowed for others', AlreadyDecided."""
    if approval is None:
        assert compensation is not None
        approval = compensation.approvals.order_by("-id")[0]
    case, row, waiting = locked_request(approval)
    if by.pk != waiting.requested_by_id or not by.is_active:
        raise NotAllowed
    role = limits.acting_role(by, case.market)
    return end_request(waiting, row, ApprovalState.WITHDRAWN, by=by.as_actor(role))


def lapse_if_changed(
    case: Incident, compensation: Compensation, approval: Approval, live_version: int | None
) -> bool:
    """Ends a locked request that is not what was asked for any more, and says whether it did."""
    why = approvals.lapse_reason(approval, compensation, case, live_version)
    if why is None:
        return False
    end_request(approval, compensation, ApprovalState.LAPSED, by=SYSTEM, reason=why.value)
    return True


@transaction.atomic
def _lapse(approval: Approval) -> bool:
    try:
        case, compensation, waiting = locked_request(approval)
    except Refusal:
        return False
    live_version, _in_force = rules_now(case.market)
    return lapse_if_changed(case, compensation, waiting, live_version)


def lapse_due(*, most: int = 500) -> int:
    """Ends the requests that waited too long or are no longer what was asked; returns how many.

    Safe beside deciders and beside another run: each is looked at again under its locks, in a
    transaction of its own.
    """
    return sum(_lapse(approval) for approval in _stale()[:most])


def _stale() -> Sequence[Approval]:
    """Waiting requests that look as if they should end."""
    waiting = (
        Approval.objects.filter(state=ApprovalState.PENDING)
        .select_related(
            "market",
            "compensation__granted_by",
            "compensation__incident__market",
            "compensation__incident__customer",
        )
        .order_by("requested_at")
    )
    live: dict[int, int | None] = {}
    found = []
    for approval in waiting.iterator(chunk_size=500):
        market = approval.market
        if market.pk not in live:
            version = scale.live_version(market)
            live[market.pk] = None if version is None else version.pk
        row = approval.compensation
        if approvals.lapse_reason(approval, row, row.incident, live[market.pk]) is not None:
            found.append(approval)
    return found
