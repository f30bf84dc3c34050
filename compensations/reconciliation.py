"""Holds every cached figure against its sum: the ledger, coupon balances, counters, messages.

Each check is one statement that returns what does not add up, and nothing when all does. It speaks
of one market, or of every market when none is named.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import OperationalError, connection, transaction

from accounts.models import Market

# The market as a condition; the planner drops it where no market is named.
_IN = "(%(market)s::bigint IS NULL OR {table}.market_id = %(market)s)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that does not equal its sum; amounts in minor units."""

    check: str
    key: str
    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found: its differences, up to a bound, or that it did not end in time."""

    check: str
    seconds: float
    differences: list[Difference] = field(default_factory=list)
    more: bool = False
    ended: bool = True

    @property
    def adds_up(self) -> bool:
        return self.ended and not self.differences


_CHECKS = {
    "ledger transaction sums to zero": """
        SELECT transaction::text || ' ' || currency, sum(amount_minor), 0
        FROM compensations_ledgerentry entry WHERE {entry}
        GROUP BY transaction, currency
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
        WHERE {coupon}
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
        WHERE {coupon}
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
        WHERE {compensation}
        GROUP BY compensation.id
        HAVING COALESCE(sum(entry.amount_minor), 0)
            <> CASE WHEN compensation.issued_at IS NULL OR compensation.state = 'voided'
                    THEN 0 ELSE compensation.face_minor END
    """,
    "limit counter equals its uses": """
        SELECT COALESCE(id::text, limit_id || ' ' || subject || ' ' || starts_on),
               COALESCE(used, 0), COALESCE(taken, 0)
        FROM (
            SELECT counter.*
            FROM compensations_limitcounter counter
            JOIN compensations_issuancelimit bound ON bound.id = counter.limit_id AND {bound}
        ) AS counter
        FULL JOIN (
            SELECT each.limit_id, each.subject, each.starts_on, sum(each.quantity) AS taken
            FROM compensations_limituse uses
            JOIN compensations_compensation compensation
                ON compensation.id = uses.compensation_id AND {compensation}
            CROSS JOIN unnest(uses.limits, uses.subjects, uses.starts_on, uses.quantities)
                AS each(limit_id, subject, starts_on, quantity)
            WHERE uses.released_at IS NULL
            GROUP BY 1, 2, 3
        ) AS uses USING (limit_id, subject, starts_on)
        WHERE COALESCE(used, 0) <> COALESCE(taken, 0)
    """,
    "request holds its room until it ends": """
        SELECT compensation.id::text, count(*), 0
        FROM compensations_compensation compensation
        JOIN compensations_limituse uses
            ON uses.compensation_id = compensation.id AND uses.released_at IS NULL
        WHERE {compensation}
          AND compensation.state IN ('rejected', 'withdrawn', 'lapsed', 'voided')
        GROUP BY compensation.id
    """,
    "request waits for one decision": """
        SELECT compensation.id::text, count(approval.id), 1
        FROM compensations_compensation compensation
        LEFT JOIN compensations_approval approval
            ON approval.compensation_id = compensation.id AND approval.state = 'pending'
        WHERE {compensation} AND compensation.state = 'requested'
        GROUP BY compensation.id
        HAVING count(approval.id) <> 1
    """,
    "issued request has every approval": """
        SELECT compensation.id::text,
               count(*) FILTER (WHERE approval.state = 'approved'), count(*)
        FROM compensations_compensation compensation
        JOIN compensations_approval approval ON approval.compensation_id = compensation.id
        WHERE {compensation} AND compensation.issued_at IS NOT NULL
        GROUP BY compensation.id
        HAVING count(*) FILTER (WHERE approval.state = 'approved') <> count(*)
    """,
    "issued compensation has its message": """
        SELECT compensation.id::text, 0, 1
        FROM compensations_compensation compensation
        WHERE {compensation} AND compensation.issued_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM delivery_message message
            WHERE message.ref = compensation.id AND message.topic = 'compensation.granted')
    """,
    "closed ledger day equals its entries": """
        SELECT concat_ws(' ', market.code, date, account, event), COALESCE(closed, 0),
               COALESCE(summed, 0)
        FROM (
            SELECT market_id, date, account, event, debit_minor - credit_minor AS closed
            FROM compensations_ledgerday day WHERE {day}
        ) AS day
        FULL JOIN (
            SELECT entry.market_id, (at AT TIME ZONE home.time_zone)::date AS date, account, event,
                   sum(amount_minor) AS summed
            FROM compensations_ledgerentry entry
            JOIN accounts_market home ON home.id = entry.market_id
            JOIN compensations_ledgerclosing closing ON closing.market_id = entry.market_id
            WHERE {entry} AND (at AT TIME ZONE home.time_zone)::date < closing.until
            GROUP BY 1, 2, 3, 4
        ) AS entries USING (market_id, date, account, event)
        JOIN accounts_market market ON market.id = market_id
        WHERE COALESCE(closed, 0) <> COALESCE(summed, 0)
    """,
}
_TABLES = ("bound", "compensation", "coupon", "day", "entry")
CHECKS = {
    name: statement.format(**{table: _IN.format(table=table) for table in _TABLES})
    for name, statement in _CHECKS.items()
}


def differences(market: Market | None = None) -> Iterator[Difference]:
    """Everything that does not add up, check by check."""
    with connection.cursor() as cursor:
        for name, statement in CHECKS.items():
            cursor.execute(statement, {"market": market.pk if market else None})
            for key, found, expected in cursor.fetchall():
                yield Difference(name, key, int(found), int(expected))


def run_checks(market: Market, *, seconds: int = 20, at_most: int = 20) -> list[Result]:
    """Every check of one market inside `seconds` altogether; up to `at_most` differences each.

    What one check leaves of its share of the time, the next ones have. One that does not end in its
    own is said not to have ended.
    """
    results = []
    until = time.monotonic() + seconds
    for number, (name, statement) in enumerate(CHECKS.items()):
        began = time.monotonic()
        left = int((until - began) * 1000 / (len(CHECKS) - number))
        rows = _bounded(statement, market, left, at_most + 1) if left > 0 else None
        results.append(
            Result(
                check=name,
                seconds=time.monotonic() - began,
                differences=[
                    Difference(name, key, int(found), int(expected))
                    for key, found, expected in (rows or [])[:at_most]
                ],
                more=rows is not None and len(rows) > at_most,
                ended=rows is not None,
            )
        )
    return results


def _bounded(
    statement: str, market: Market, milliseconds: int, at_most: int
) -> list[tuple[str, int, int]] | None:
    """The first rows of a check; None when it did not end in time."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, TRUE), "
                "set_config('work_mem', '64MB', TRUE)",
                [str(milliseconds)],
            )
            # The statement is one of CHECKS.
            limited = f"SELECT * FROM ({statement}) found LIMIT {at_most}"  # noqa: S608
            cursor.execute(limited, {"market": market.pk})
            found: list[tuple[str, int, int]] = cursor.fetchall()
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return found
    except OperationalError as error:
        # 57014: the statement was cancelled, here by its time.
        if getattr(error.__cause__, "pgcode", "") == "57014":
            return None
        raise


def totals() -> list[tuple[str, str, int]]:
    """(account, currency, balance in minor units), sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account, currency, sum(amount_minor) FROM compensations_ledgerentry "
            "GROUP BY account, currency ORDER BY currency, account"
        )
        return [(account, currency, int(total)) for account, currency, total in cursor.fetchall()]
