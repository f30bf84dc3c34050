"""Making a compensation real: its coupon, ledger entries, message and audit row in one batch.

The caller has locked what has to be locked and checked who may; limits are taken after the batch.
"""

import datetime as dt

from accounts.models import Market, Staff
from audit.actions import event
from audit.models import AuditEvent
from common.rows import Batch, fresh
from common.windows import day_bounds, local_date
from delivery.actions import wake_on_commit
from delivery.models import Message
from delivery.states import MessageState

from .. import codes, ledger
from ..models import Compensation, Coupon, Offer
from ..states import COUPON_KINDS, CompensationState, OfferKind


def _expiry(offer: Offer, market: Market, now: dt.datetime) -> dt.datetime:
    """The end of the last valid day in the market's local calendar."""
    last = local_date(now, market.time_zone) + dt.timedelta(days=offer.validity_days)
    return day_bounds(last, market.time_zone)[1]


def issue(compensation: Compensation, now: dt.datetime) -> None:
    """Sets what an issued compensation has: its state, moment and last valid day."""
    compensation.state = CompensationState.ISSUED
    compensation.issued_at = now
    if compensation.kind in COUPON_KINDS:
        compensation.expires_at = _expiry(compensation.offer, compensation.market, now)


def new_coupon(compensation: Compensation) -> list[Coupon]:
    """An unsaved coupon with a fresh code, sealed for the customer; none for other kinds."""
    if compensation.kind not in COUPON_KINDS:
        return []
    assert compensation.expires_at is not None
    code = codes.new_code()
    coupon = fresh(
        Coupon,
        compensation=compensation,
        market_id=compensation.market_id,
        last_four=code[-4:],
        currency=compensation.currency,
        value_minor=compensation.face_minor,
        balance_minor=compensation.face_minor,
        keeps_balance=compensation.kind == OfferKind.GIFT_CARD,
        usable_at=compensation.offer.usable_at,
        expires_at=compensation.expires_at,
    )
    coupon.hash_key_id, coupon.code_hash = codes.current_hash(code)
    coupon.cipher_key_id, coupon.code_ciphertext = codes.seal(code, coupon.pk)
    return [coupon]


def granted_event(
    compensation: Compensation, message: Message, *, by: Staff, role: str, reason: str
) -> AuditEvent:
    """The unsaved audit row of an issue."""
    return event(
        act="compensation.granted",
        by=by.as_actor(role),
        object_kind="compensation",
        object_id=compensation.pk,
        about_id=compensation.incident_id,
        market_code=compensation.market.code,
        after={
            "kind": compensation.kind,
            "offer": compensation.offer.name_es,
            "face_minor": compensation.face_minor,
            "expected_cost_minor": compensation.expected_cost_minor,
            "currency": compensation.currency,
            "statutory": compensation.is_statutory,
            "scale": compensation.version.number,
            "channel": message.channel,
            "customer": str(compensation.customer_id),
            "reissue_of": str(compensation.reissue_of_id or ""),
        },
        reason=reason,
    )


def add_issue(
    batch: Batch, compensation: Compensation, message: Message, *audit: AuditEvent
) -> None:
    """Puts coupon, ledger entries, message and audit rows of an issue into the batch."""
    batch.insert(
        *new_coupon(compensation),
        *ledger.on_issue(compensation),
        message,
        *audit,
    )


def wake(message: Message) -> None:
    """Lets a worker send the message as soon as this transaction has committed."""
    if message.state == MessageState.QUEUED:
        wake_on_commit(message.pk)
