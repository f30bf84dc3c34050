"""A redemption undone, inside its window and by who made it."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Market

from .. import ledger
from ..models import Compensation, Coupon, LedgerEntry, Redemption, Reversal
from ..refusals import CouponNotValid, ReversalRefused, TransactionReused
from ..states import CompensationState, CouponState
from .looking import Caller, caller_columns, check_till, hashes_of, record


@transaction.atomic
def reverse(
    *,
    external_transaction_id: str,
    market: Market,
    code: str | None = None,
    redemption_of: str | None = None,
    reason: str = "",
    by: Caller,
) -> Reversal:
    """Undoes this caller's redemption inside the market's window; the coupon is valid again.

    `redemption_of` is the transaction number of the redemption, `external_transaction_id` that of
    the reversal; without the first both are the same number. Repeating it answers with the reversal
    it made. Raises ReversalRefused, CouponNotValid, NotAllowed.
    """
    check_till(by, market)
    client, cashier = caller_columns(by)
    target = (
        Redemption.objects.filter(
            market=market,
            client=client,
            cashier=cashier,
            external_transaction_id=redemption_of or external_transaction_id,
        )
        .values_list("pk", "coupon_id")
        .first()
    )
    if target is None:
        raise ReversalRefused(field="external_transaction_id")
    coupon = Coupon.objects.select_for_update().get(pk=target[1])
    if code is not None and bytes(coupon.code_hash) not in hashes_of(code):
        raise CouponNotValid(field="code")
    row = Redemption.objects.select_for_update().get(pk=target[0])
    done = Reversal.objects.filter(redemption=row).first()
    if done is not None:
        return done
    undo_until = row.created_at + dt.timedelta(minutes=market.undo_minutes)
    if timezone.now() > undo_until or coupon.state in {CouponState.VOIDED, CouponState.EXPIRED}:
        raise ReversalRefused(field="external_transaction_id")
    try:
        with transaction.atomic():
            reversal = Reversal.objects.create(
                redemption=row,
                client_id=client,
                staff_id=cashier,
                external_transaction_id=external_transaction_id,
                reason=reason,
            )
    except IntegrityError as error:
        raise TransactionReused(field="external_transaction_id") from error
    row.reversed_at = timezone.now()
    row.save(update_fields=["reversed_at"])
    coupon.state = CouponState.ISSUED
    coupon.reserved_by = coupon.reserved_until = None
    coupon.balance_minor = F("balance_minor") + row.amount_minor
    coupon.save(update_fields=["state", "reserved_by", "reserved_until", "balance_minor"])
    compensation = Compensation.objects.select_for_update().get(pk=coupon.compensation_id)
    if compensation.state == CompensationState.SETTLED:
        compensation.state = CompensationState.ISSUED
        compensation.ended_at = None
        compensation.save(update_fields=["state", "ended_at"])
    LedgerEntry.objects.bulk_create(
        ledger.on_reverse(compensation, row.amount_minor, reversal.created_at)
    )
    record(
        compensation,
        "coupon.reversed",
        by,
        market,
        {"amount_minor": row.amount_minor, "transaction": external_transaction_id},
        reason,
    )
    return reversal
