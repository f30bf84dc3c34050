"""The ledger as a book: what moved on each account in a span of local days, and its balances.

Closed days are read from their sums and the rest from the entries, in one statement, so that a
figure never mixes two moments and its cost does not follow the length of history. Minor units;
debits positive.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Market
from common.windows import day_bounds

from .models import LedgerClosing
from .states import Account, LedgerEvent

# Before any entry: a span that begins here holds the whole book.
EVER = dt.date(1970, 1, 1)
# What was moved before the first open day stands in the sums; `accounts` lets the index serve.
_MOVED = """
    SELECT date, account, event, debit_minor, credit_minor, entries
    FROM compensations_ledgerday
    WHERE market_id = %(market)s AND date >= %(start)s AND date < LEAST(%(end)s, %(until)s)
    UNION ALL
    SELECT (at AT TIME ZONE %(zone)s)::date, account, event,
        GREATEST(amount_minor, 0), GREATEST(-amount_minor, 0), 1
    FROM compensations_ledgerentry
    WHERE market_id = %(market)s AND account = ANY(%(accounts)s)
        AND at >= %(open_from)s AND at < %(open_until)s
"""
_KEYS = {"date": "date", "account": "account", "event": "event"}


@dataclass(frozen=True, slots=True)
class Moved:
    """What some entries add up to. `date`, `account` and `event` are empty where not asked for."""

    debit: int
    credit: int
    entries: int
    date: dt.date | None = None
    account: str = ""
    event: str = ""

    @property
    def net(self) -> int:
        return self.debit - self.credit


def closed_until(market: Market) -> dt.date:
    """The first local date that is not closed; EVER where none is."""
    found = LedgerClosing.objects.filter(market=market).values_list("until", flat=True).first()
    return found or EVER


def moved(
    market: Market,
    start: dt.date,
    end: dt.date,
    *,
    by: Sequence[str] = (),
    accounts: Iterable[str] = tuple(Account),
    events: Iterable[str] = tuple(LedgerEvent),
) -> list[Moved]:
    """Sums over local dates from `start` until before `end`, by any of date, account and event.

    Raises KeyError for another key.
    """
    keys = [_KEYS[key] for key in by]
    until = closed_until(market)
    values: dict[str, Any] = {
        "market": market.pk,
        "zone": market.time_zone,
        "start": start,
        "end": end,
        "until": until,
        "accounts": [str(account) for account in accounts],
        "events": [str(event) for event in events],
        "open_from": day_bounds(max(start, until), market.time_zone)[0],
        "open_until": day_bounds(end, market.time_zone)[0],
    }
    grouping = "".join(f"{key}, " for key in keys)
    # The keys are those above; whatever a person chose is a value.
    statement = f"""
        SELECT {grouping}COALESCE(sum(debit_minor), 0)::bigint,
            COALESCE(sum(credit_minor), 0)::bigint, COALESCE(sum(entries), 0)::bigint
        FROM ({_MOVED}) moved
        WHERE account = ANY(%(accounts)s) AND event = ANY(%(events)s)
        {"GROUP BY " + ", ".join(keys) + " ORDER BY " + ", ".join(keys) if keys else ""}
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    found = []
    for row in rows:
        named = dict(zip(by, row, strict=False))
        debit, credit, entries = row[len(keys) :]
        found.append(Moved(debit, credit, entries, **named))
    return found


def balances(market: Market, at_end_of: dt.date) -> dict[str, int]:
    """Each account's balance when a local date ends, debits positive; zero where nothing moved."""
    rows = moved(market, EVER, at_end_of + dt.timedelta(days=1), by=["account"])
    return {str(account): 0 for account in Account} | {row.account: row.net for row in rows}
