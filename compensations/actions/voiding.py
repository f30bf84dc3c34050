"""Taking value back: a void, and a reissue that voids and grants again in one transaction."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Staff
from audit.actions import event
from common.rows import insert
from incidents.actions import undo_compensated
from incidents.models import Incident

from .. import ledger, limits, taking
from ..models import Compensation, Coupon, LedgerEntry
from ..refusals import VoidRefused
from ..rights import check_void_right
from ..states import CompensationState, CouponState
from .granting import grant
from .locking import lock_case


@transaction.atomic
def void(*, compensation: Compensation, reason: str, by: Staff) -> Compensation:
    """Takes back what was not redeemed: room restored once, ledger countered, coupon dead.

    Raises NotAllowed, VoidWindowOver, VoidRefused (redeemed in part or whole, or not issued).
    """
    case = lock_case(compensation.incident_id)
    row = _void(compensation, reason, by)
    if case.compensated_at is not None and not _stands(case):
        undo_compensated(incident=case, by=by)
    return row


def _stands(case: Incident) -> bool:
    """Whether anything that was granted on the case was not taken back."""
    given = Compensation.objects.filter(incident=case, issued_at__isnull=False)
    return given.exclude(state=CompensationState.VOIDED).exists()


def _void(compensation: Compensation, reason: str, by: Staff) -> Compensation:
    """The void itself; the caller has locked the case."""
    now = timezone.now()
    coupon = Coupon.objects.select_for_update().filter(compensation=compensation.pk).first()
    row = (
        Compensation.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=compensation.pk)
    )
    check_void_right(row, by)
    if row.state != CompensationState.ISSUED:
        raise VoidRefused
    if coupon is not None:
        held = (
            coupon.state == CouponState.RESERVED
            and coupon.reserved_until is not None
            and coupon.reserved_until > now
        )
        if held or coupon.balance_minor != coupon.value_minor:
            raise VoidRefused
        coupon.state = CouponState.VOIDED
        coupon.code_ciphertext = None
        coupon.reserved_until = coupon.reserved_by = None
        coupon.save(update_fields=["state", "code_ciphertext", "reserved_until", "reserved_by"])
    row.state = CompensationState.VOIDED
    row.ended_at = now
    row.voided_by = by
    row.void_reason = reason
    row.save(update_fields=["state", "ended_at", "voided_by", "void_reason"])
    LedgerEntry.objects.bulk_create(ledger.on_void(row))
    insert(
        event(
            act="compensation.voided",
            by=by.as_actor(limits.acting_role(by, row.market)),
            object_kind="compensation",
            object_id=row.pk,
            about_id=row.incident_id,
            market_code=row.market.code,
            before={"state": CompensationState.ISSUED.value},
            after={"state": row.state.value, "face_minor": row.face_minor},
            reason=reason,
        )
    )
    taking.give_back(row.pk)
    return row


@transaction.atomic
def reissue(*, compensation: Compensation, reason: str, by: Staff) -> Compensation:
    """Voids a compensation and grants the same offer and amount again, with a new code.

    Both happen in this transaction or neither does. Raises what `void` and `grant` raise.
    """
    case = lock_case(compensation.incident_id)
    # Coupon and compensation before any counter, as everywhere.
    Coupon.objects.select_for_update().filter(compensation=compensation.pk).first()
    Compensation.objects.select_for_update(of=("self",)).get(pk=compensation.pk)
    taking.lock(
        compensation.pk,
        limits.limits_for(
            market=case.market, staff=by, customer=case.customer, incident=case, at=timezone.now()
        ),
    )
    old = _void(compensation, reason, by)
    return grant(
        incident=old.incident,
        offer=old.offer,
        amount_minor=old.face_minor,
        by=by,
        note=reason,
        reissue_of=old,
    )
