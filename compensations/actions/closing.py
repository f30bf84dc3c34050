"""Closing the ledger's days: each past local date of a market summed once, by account and event."""

import datetime as dt

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from accounts.models import Market
from common.windows import day_bounds, local_date

from ..models import LedgerClosing, LedgerDay, LedgerEntry
from ..states import Account

# An entry is dated when its statement begins and is seen when its transaction commits. No
# transaction lives for nearly as long; reconciliation would name a day that was closed too early.
SETTLES = dt.timedelta(hours=1)
_SUM = """
INSERT INTO compensations_ledgerday
    (market_id, date, account, event, debit_minor, credit_minor, entries)
SELECT market_id, (at AT TIME ZONE %(zone)s)::date, account, event,
    sum(GREATEST(amount_minor, 0)), sum(GREATEST(-amount_minor, 0)), count(*)
FROM compensations_ledgerentry
WHERE market_id = %(market)s AND account = ANY(%(accounts)s) AND at >= %(start)s AND at < %(end)s
GROUP BY 1, 2, 3, 4
"""


@transaction.atomic
def close_ledger(*, market: Market, now: dt.datetime | None = None) -> int:
    """Sums every local date that has ended and is not summed yet; how many dates that were.

    Safe to run twice and beside itself. `now` is an aware moment, the present one when left out.
    """
    Market.objects.select_for_update(no_key=True).get(pk=market.pk)
    closing = LedgerClosing.objects.filter(market=market).first()
    end = local_date((now or timezone.now()) - SETTLES, market.time_zone)
    start = closing.until if closing else _first_date(market)
    if start is None or start >= end:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _SUM,
            {
                "market": market.pk,
                "zone": market.time_zone,
                "accounts": [str(account) for account in Account],
                "start": day_bounds(start, market.time_zone)[0],
                "end": day_bounds(end, market.time_zone)[0],
            },
        )
    LedgerClosing.objects.update_or_create(
        market=market, defaults={"until": end, "closed_at": timezone.now()}
    )
    return (end - start).days


@transaction.atomic
def forget_closing(*, market: Market) -> None:
    """Leaves every day of the market open again; the entries are the book, the sums are derived."""
    Market.objects.select_for_update(no_key=True).get(pk=market.pk)
    LedgerDay.objects.filter(market=market).delete()
    LedgerClosing.objects.filter(market=market).delete()


def _first_date(market: Market) -> dt.date | None:
    first = LedgerEntry.objects.filter(
        market=market, account__in=[str(account) for account in Account]
    ).aggregate(first=Min("at"))["first"]
    return local_date(first, market.time_zone) if first else None
