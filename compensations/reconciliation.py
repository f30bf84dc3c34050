"""Holds every cached figure against its sum: the ledger, coupon balances, counters, messages.

Each check is one statement that returns what does not add up, and nothing when all does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that does not equal its sum; amounts in minor units."""

    check: str
    key: str
    found: int
    expected: int


CHECKS = {
    "ledger transaction sums to zero": """
        SELECT transaction::text || ' ' || currency, sum(amount_minor), 0
        FROM compensations_ledgerentry GROUP BY transaction, currency
        HAVING sum(amount_minor) <> 0
    """,
    "coupon balance equals its debt": """
        SELECT coupon.id::text,
               CASE WHEN coupon.state IN ('voided', 'expired') THEN 0 ELSE coupon.balance_minor END,
               -COALESCE(sum(entry.amount_minor), 0)
        FROM compensations_coupon coupon
        LEFT JOIN compensations_ledgerentry entry
            ON entry.compensation_id = coupon.compensation_id
            AND entry.account = 'outstanding_liability'
        GROUP BY coupon.id
        HAVING CASE WHEN coupon.state IN ('voided', 'expired') THEN 0
                    ELSE coupon.balance_minor END <> -COALESCE(sum(entry.amount_minor), 0)
    """,
    "coupon balance equals value less redemptions": """
        SELECT coupon.id::text, coupon.balance_minor,
               coupon.value_minor - COALESCE(sum(redemption.amount_minor), 0)
        FROM compensations_coupon coupon
        LEFT JOIN compensations_redemption redemption
            ON redemption.coupon_id = coupon.id AND redemption.reversed_at IS NULL
        GROUP BY coupon.id
        HAVING coupon.balance_minor
            <> coupon.value_minor - COALESCE(sum(redemption.amount_minor), 0)
    """,
    "expense equals face value unless voided": """
        SELECT compensation.id::text, COALESCE(sum(entry.amount_minor), 0),
               CASE WHEN compensation.issued_at IS NULL OR compensation.state = 'voided'
                    THEN 0 ELSE compensation.face_minor END
        FROM compensations_compensation compensation
        LEFT JOIN compensations_ledgerentry entry
            ON entry.compensation_id = compensation.id
            AND entry.account IN ('goodwill_expense', 'statutory_expense')
        GROUP BY compensation.id
        HAVING COALESCE(sum(entry.amount_minor), 0)
            <> CASE WHEN compensation.issued_at IS NULL OR compensation.state = 'voided'
                    THEN 0 ELSE compensation.face_minor END
    """,
    "limit counter equals its uses": """
        SELECT counter.id::text, counter.used, COALESCE(sum(uses.quantity), 0)
        FROM compensations_limitcounter counter
        LEFT JOIN compensations_limituse uses
            ON uses.counter_id = counter.id AND uses.released_at IS NULL
        GROUP BY counter.id
        HAVING counter.used <> COALESCE(sum(uses.quantity), 0)
    """,
    "issued compensation has its message": """
        SELECT compensation.id::text, 0, 1
        FROM compensations_compensation compensation
        WHERE compensation.issued_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM delivery_message message
            WHERE message.ref = compensation.id AND message.topic = 'compensation.granted')
    """,
}


def differences() -> Iterator[Difference]:
    """Everything that does not add up, check by check."""
    with connection.cursor() as cursor:
        for name, statement in CHECKS.items():
            cursor.execute(statement)
            for key, found, expected in cursor.fetchall():
                yield Difference(name, key, int(found), int(expected))


def totals() -> list[tuple[str, str, int]]:
    """(account, currency, balance in minor units), sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account, currency, sum(amount_minor) FROM compensations_ledgerentry "
            "GROUP BY account, currency ORDER BY currency, account"
        )
        return [(account, currency, int(total)) for account, currency, total in cursor.fetchall()]
