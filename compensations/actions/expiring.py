"""Expiry: what was not used by its last day becomes breakage. Run by the system alone.

Room in a limit is not given back: the agent did give it. A card used in the last minutes waits
until that use can no longer be undone, so that an undoing never meets a dead card.
"""

import time
import uuid
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Market
from audit.actions import SYSTEM, event
from audit.models import AuditEvent

from ..states import Account, CompensationState, LedgerEvent

BATCH = 500

# `now()` is the database's, and never ahead of the clock by which a redemption is judged.
_IS_DUE = """given.state = 'issued' AND given.expires_at <= now() AND coupon.expires_at <= now()
    AND (coupon.state = 'issued'
         OR (coupon.state = 'reserved' AND coupon.reserved_until <= now()))
    AND NOT EXISTS (
        SELECT FROM compensations_redemption redemption
        JOIN accounts_market market ON market.id = redemption.market_id
        WHERE redemption.coupon_id = coupon.id AND redemption.reversed_at IS NULL
            AND redemption.created_at > now() - make_interval(mins => market.undo_minutes))
"""
# Who redeems, voids or reverses at this instant holds the coupon's row, and is passed over.
_FIND = f"""
SELECT coupon.id
FROM compensations_compensation given
JOIN compensations_coupon coupon ON coupon.compensation_id = given.id
WHERE {_IS_DUE} AND (%(market)s::bigint IS NULL OR given.market_id = %(market)s)
ORDER BY given.expires_at, given.id LIMIT %(limit)s
"""  # noqa: S608
_LOCK = " FOR NO KEY UPDATE OF coupon SKIP LOCKED"
# Judged again: this statement sees what was committed before the lock was had.
_EXPIRE = f"""
WITH due AS (
    SELECT coupon.id, coupon.compensation_id, coupon.balance_minor
    FROM compensations_coupon coupon
    JOIN compensations_compensation given ON given.id = coupon.compensation_id
    WHERE coupon.id = ANY(%(coupons)s) AND {_IS_DUE}
), coupon AS (
    UPDATE compensations_coupon coupon
    SET state = 'expired', code_ciphertext = NULL, reserved_until = NULL, reserved_by_id = NULL
    FROM due WHERE coupon.id = due.id
), ended AS (
    UPDATE compensations_compensation given
    SET state = 'expired', ended_at = now()
    FROM due, accounts_market market
    WHERE given.id = due.compensation_id AND market.id = given.market_id
    RETURNING given.id, given.incident_id, given.market_id, market.code, given.currency,
        due.balance_minor
), moved AS (
    INSERT INTO compensations_ledgerentry (transaction, event, market_id, compensation_id,
        account, amount_minor, currency, at)
    SELECT opened.transaction, %(event)s, opened.market_id, opened.id, side.account,
        side.sign * opened.balance_minor, opened.currency, now()
    FROM (SELECT ended.*, gen_random_uuid() AS transaction FROM ended
          WHERE balance_minor > 0 OFFSET 0) opened,
        (VALUES (%(debit)s, 1), (%(credit)s, -1)) AS side (account, sign)
)
SELECT id, incident_id, code, currency, balance_minor FROM ended
"""  # noqa: S608


@transaction.atomic
def expire_due(*, market: Market | None = None, limit: int = BATCH) -> int:
    """Expires up to `limit` coupons whose date has passed by the database's clock; how many.

    Whatever somebody else is working on is left for the next run. Amounts are minor units.
    """
    find = _FIND if "expire" in settings.GUARDS_OFF else _FIND + _LOCK
    with connection.cursor() as cursor:
        cursor.execute(find, {"market": market.pk if market else None, "limit": limit})
        coupons = [coupon for (coupon,) in cursor.fetchall()]
        rows = _expire(cursor, coupons) if coupons else []
    AuditEvent.objects.bulk_create([_expired(*row) for row in rows])
    return len(rows)


def _expire(cursor: Any, coupons: list[uuid.UUID]) -> list[tuple[Any, ...]]:
    values = {
        "coupons": coupons,
        "event": LedgerEvent.EXPIRE.value,
        "debit": Account.LIABILITY.value,
        "credit": Account.BREAKAGE.value,
    }
    cursor.execute(_EXPIRE, values)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def expire_all(*, market: Market | None = None, seconds: float | None = None) -> int:
    """Batch after batch, each committed, until none is due or the time is over; how many."""
    began = time.monotonic()
    expired = 0
    while done := expire_due(market=market):
        expired += done
        if seconds is not None and time.monotonic() - began > seconds:
            break
    return expired


def _expired(
    compensation_id: uuid.UUID, incident_id: uuid.UUID, code: str, currency: str, minor: int
) -> AuditEvent:
    return event(
        act="compensation.expired",
        by=SYSTEM,
        object_kind="compensation",
        object_id=compensation_id,
        about_id=incident_id,
        market_code=code,
        before={"state": CompensationState.ISSUED.value},
        after={
            "state": CompensationState.EXPIRED.value,
            "amount_minor": minor,
            "currency": currency,
        },
    )
