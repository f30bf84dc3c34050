"""A second person's decision on a request: yes, no, or yes and on to finance.

A yes is bound to the exact content that was asked, and is itself inside the decider's personal
limits: their authority. The grant happens in the decision's own transaction.
"""

import datetime as dt
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from common.errors import InvalidInput, Refusal
from common.keyed import only_if
from common.rows import Batch, insert
from common.transactions import atomic_act
from delivery.models import Message
from incidents import bounds
from incidents.actions import start_recovery
from incidents.models import ContactPoint, Incident

from .. import approvals, limits, taking
from ..models import Approval, Compensation
from ..refusals import IssuanceStopped, RequestChanged, RequestLapsed
from ..states import ApprovalState, CompensationState, LapseReason
from .issuing import add_issue, granted_event, issue, wake
from .locking import contacts_of, rules_now
from .requesting import (
    REASON_LENGTH,
    approval_event,
    end_request,
    lapse_if_changed,
    locked_request,
)
from .sending import granted_message


def approve(*, approval: Approval, by: Staff, note: str = "") -> Approval:
    """Says yes: the compensation is issued and its message queued in the same commit.

    Counts against the decider's own limits. Raises NotAllowed, OwnRequest, WaitsForFinance,
    AlreadyDecided, AboveAuthority, IssuanceStopped, SelfDealing, InvalidInput; and, once the
    request has ended by itself in a commit of its own, RequestChanged or RequestLapsed. Inside a
    caller's transaction use `try_to_approve`, or that end is rolled back with the refusal.
    """
    return _or_refuse(try_to_approve(approval=approval, by=by, note=note))


def pass_up(*, approval: Approval, by: Staff, note: str = "") -> Approval:
    """A supervisor's yes that waits for finance's: the new approval, of level 2.

    Raises what `approve` raises but AboveAuthority.
    """
    return _or_refuse(try_to_pass_up(approval=approval, by=by, note=note))


def _or_refuse(approval: Approval) -> Approval:
    refusal = refusal_of(approval)
    if refusal is not None:
        raise refusal
    return approval


def refusal_of(approval: Approval) -> Refusal | None:
    """What to tell a decider whose request ended by itself; None where it did not."""
    if approval.state != ApprovalState.LAPSED:
        return None
    if approval.decision_reason == LapseReason.TIME:
        return RequestLapsed()
    return RequestChanged(extra={"reason": approval.decision_reason})


@atomic_act
def try_to_approve(*, approval: Approval, by: Staff, note: str = "") -> Approval:
    """As `approve`, but a request that is no longer what was asked comes back lapsed."""
    note = bounds.text(note, "reason", REASON_LENGTH)
    case, compensation, waiting = locked_request(approval)
    role = _check(waiting, compensation, case, by)
    live_version, in_force = rules_now(case.market)
    if lapse_if_changed(case, compensation, waiting, live_version):
        return waiting
    contacts = contacts_of(case.customer)
    now = timezone.now()
    _decided(waiting, ApprovalState.APPROVED, by, note, now)
    issue(compensation, now)
    _issued(compensation)
    message = _message(compensation, contacts)
    batch = Batch()
    actor = by.as_actor(role)
    add_issue(
        batch,
        compensation,
        message,
        approval_event(waiting, compensation, actor, note),
        granted_event(compensation, message, by=by, role=role, reason=waiting.reason),
    )
    # The step is the work of whoever asked; the case moves by this decision.
    start_recovery(
        incident=case,
        by=compensation.granted_by,
        compensated=True,
        decided_by=actor,
        batch=batch,
    )
    authority = limits.NONE
    if not compensation.is_statutory:
        authority = limits.limits_for(
            market=case.market, staff=by, at=now, in_force=in_force, role=role
        ).personal()
    taking.take(
        compensation,
        authority,
        market=case.market,
        batch=batch,
        refuse=partial(approvals.above_authority, role=role),
    )
    wake(message)
    return waiting


@transaction.atomic
def reject(*, approval: Approval, reason: str, by: Staff) -> Approval:
    """Says no, for a reason of 1 to 500 characters; the room comes back.

    Raises NotAllowed, OwnRequest, WaitsForFinance, AlreadyDecided, InvalidInput.
    """
    reason = bounds.text(reason, "reason", REASON_LENGTH, required=True)
    case, compensation, waiting = locked_request(approval)
    role = _check(waiting, compensation, case, by, stopped=False)
    return end_request(
        waiting,
        compensation,
        ApprovalState.REJECTED,
        by=by.as_actor(role),
        decider=by,
        reason=reason,
    )


@transaction.atomic
def try_to_pass_up(*, approval: Approval, by: Staff, note: str = "") -> Approval:
    """As `pass_up`, but a request that is no longer what was asked comes back lapsed."""
    note = bounds.text(note, "reason", REASON_LENGTH)
    case, compensation, waiting = locked_request(approval)
    role = _check(waiting, compensation, case, by)
    if role != Role.SUPERVISOR:
        raise InvalidInput(field="decision")
    live_version, _in_force = rules_now(case.market)
    if lapse_if_changed(case, compensation, waiting, live_version):
        return waiting
    now = timezone.now()
    _decided(waiting, ApprovalState.APPROVED, by, note, now)
    above = Approval(
        market=case.market,
        compensation=compensation,
        content=waiting.content,
        content_hash=bytes(waiting.content_hash),
        level=approvals.FINANCE_LEVEL,
        reason=waiting.reason,
        requested_by_id=waiting.requested_by_id,
        lapses_at=now + dt.timedelta(minutes=case.market.request_minutes),
    )
    act = approval_event(waiting, compensation, by.as_actor(role), note, passed_up=True)
    insert(above, act)
    return above


def _check(
    approval: Approval,
    compensation: Compensation,
    case: Incident,
    by: Staff,
    *,
    stopped: bool = True,
) -> str:
    """The role in which `by` decides. Raises NotAllowed, OwnRequest, IssuanceStopped."""
    customer = case.customer_id
    role = approvals.check_decider(
        approval,
        compensation,
        case,
        by=by,
        earlier=approvals.earlier_deciders([compensation.pk]).get(compensation.pk, ()),
        contact_authors=approvals.contact_authors([customer]).get(customer, ()),
    )
    if stopped and case.market.issuance_stopped_at is not None:
        raise IssuanceStopped
    return role


def _decided(
    approval: Approval, state: ApprovalState, by: Staff, reason: str, now: dt.datetime
) -> None:
    """The arrow from pending, guarded once more by the row itself. Raises AlreadyDecided."""
    approval.state = state
    approval.decided_at, approval.decided_by, approval.decision_reason = now, by, reason
    rows = Approval.objects.filter(pk=approval.pk)
    if "decide" not in settings.GUARDS_OFF:
        rows = rows.filter(only_if(Q(state=ApprovalState.PENDING)))
    if not rows.update(state=state, decided_at=now, decided_by=by, decision_reason=reason):
        raise approvals.already_decided(Approval.objects.get(pk=approval.pk))


def _issued(compensation: Compensation) -> None:
    """The arrow from requested to issued; its two moments are set already."""
    rows = Compensation.objects.filter(pk=compensation.pk)
    if "decide" not in settings.GUARDS_OFF:
        rows = rows.filter(only_if(Q(state=CompensationState.REQUESTED)))
    changed = rows.update(
        state=compensation.state,
        issued_at=compensation.issued_at,
        expires_at=compensation.expires_at,
    )
    assert changed == 1


def _message(compensation: Compensation, contacts: list[ContactPoint]) -> Message:
    """By the channel that was asked for, or the customer's own where that is gone meanwhile."""
    try:
        return granted_message(compensation, contacts, compensation.send_by or None)
    except InvalidInput:
        return granted_message(compensation, contacts, None)
