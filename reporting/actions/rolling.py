"""Writing the rollups of a local date as a recount of its source rows, and again when they change.

One transaction at a time does so for a market. Statements after the lock see what the holder before
it committed, which READ COMMITTED gives.
"""

import datetime as dt
import time

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Market
from common.windows import local_date

from ..models import RolledDay, TrailCursor
from ..rolling_sql import DAYS, NEXT_CLOCK, columns
from ..selectors.rollups import CASES, ISSUANCE, Part, days_between, trail_values

# The first half of the two-part advisory lock; the second is the market's id.
ROLLING_LOCK = 0x7011


def lock_rolling(market: Market) -> None:
    """One transaction at a time rolls days of a market or builds its reports."""
    if "nightly" not in settings.GUARDS_OFF:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [ROLLING_LOCK, market.pk])


def roll_day(market: Market, date: dt.date) -> None:
    """Rewrites both rollups of a market's local date; a second run changes nothing."""
    roll_days(market, date, date + dt.timedelta(days=1))


@transaction.atomic
def roll_days(market: Market, start: dt.date, end: dt.date) -> None:
    """Rewrites the rollups of the local dates from `start` until before `end`."""
    lock_rolling(market)
    # Before the recount: whoever it does not see has a number from here on.
    TrailCursor.objects.get_or_create(market=market, defaults={"seen_txid": _horizon()})
    now = timezone.now()
    for part in (ISSUANCE, CASES):
        _rewrite(market, start, end, part, now)
    clocks = _next_clocks(market, start, end, now)
    for number in range((end - start).days):
        date = start + dt.timedelta(days=number)
        RolledDay.objects.update_or_create(
            market=market,
            date=date,
            defaults={
                "rolled_at": Now(),
                "issuance_stale": False,
                "cases_stale": False,
                "clock_at": clocks.get(date),
            },
        )


@transaction.atomic
def mark_touched(market: Market) -> int:
    """Reads on in the trail and marks the rolled days that were written into since; how many.

    So are days on which a clock of an open case has run out, which nobody writes. What a
    transaction under way will still write comes with a number that is not behind us.
    """
    lock_rolling(market)
    horizon = _horizon()
    if not TrailCursor.objects.filter(market=market).exists():
        return 0
    marked = 0
    for part in (ISSUANCE, CASES):
        days = RolledDay.objects.filter(
            market=market, date__in=_touched_dates(market, part), **{part.stale: False}
        )
        marked += days.update(**{part.stale: True})
    run_out = RolledDay.objects.filter(
        market=market, clock_at__lte=timezone.now(), cases_stale=False
    )
    marked += run_out.update(cases_stale=True)
    TrailCursor.objects.filter(market=market, seen_txid__lt=horizon).update(seen_txid=horizon)
    return marked


def roll_stale(market: Market, *, seconds: float | None = None) -> int:
    """Rolls the stale parts of days again, the newest first, each in its transaction; how many.

    What is left when the time is over is counted from its rows until the next run.
    """
    began = time.monotonic()
    rolled = 0
    stale = RolledDay.objects.filter(Q(issuance_stale=True) | Q(cases_stale=True), market=market)
    for date in list(stale.order_by("-date").values_list("date", flat=True)):
        rolled += _roll_again(market, date)
        if seconds is not None and time.monotonic() - began > seconds:
            break
    return rolled


@transaction.atomic
def _roll_again(market: Market, date: dt.date) -> bool:
    lock_rolling(market)
    day = RolledDay.objects.get(market=market, date=date)
    stale = [part for part in (ISSUANCE, CASES) if getattr(day, part.stale)]
    now, after = timezone.now(), date + dt.timedelta(days=1)
    for part in stale:
        _rewrite(market, date, after, part, now)
        setattr(day, part.stale, False)
    if CASES in stale:
        day.clock_at = _next_clocks(market, date, after, now).get(date)
    if stale:
        day.rolled_at = Now()
        day.save()
    return bool(stale)


def _horizon() -> int:
    """Every transaction with a lower number has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_transaction(pg_snapshot_xmin(pg_current_snapshot()))")
        (number,) = cursor.fetchone()
    return int(number)


def _touched_dates(market: Market, part: Part) -> set[dt.date]:
    """Local dates before today of the moments that were written since the trail was last read."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT moment FROM ({part.touched}) written WHERE moment < %(today)s",  # noqa: S608
            trail_values(market),
        )
        return {local_date(moment, market.time_zone) for (moment,) in cursor.fetchall()}


def _next_clocks(
    market: Market, start: dt.date, end: dt.date, now: dt.datetime
) -> dict[dt.date, dt.datetime]:
    """By local date, when the first clock that still runs at `now` will run out."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH day AS MATERIALIZED ({DAYS}) {NEXT_CLOCK}",
            {"market": market.pk, "now": now, **days_between(market, start, end)},
        )
        return dict(cursor.fetchall())


def _rewrite(market: Market, start: dt.date, end: dt.date, part: Part, now: dt.datetime) -> None:
    """The rollup of the days as it is at `now`, which the clocks of open cases are judged by."""
    taken = f"date, {columns(part.keys)}, {', '.join(part.measures)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {part.table} "  # noqa: S608
            "WHERE market_id = %s AND date >= %s AND date < %s",
            [market.pk, start, end],
        )
        cursor.execute(
            f"WITH day AS MATERIALIZED ({DAYS}) "  # noqa: S608
            f"INSERT INTO {part.table} (market_id, {taken}) "
            f"SELECT %(market)s, {taken} FROM ({part.recount}) recounted",
            {"market": market.pk, "now": now, **days_between(market, start, end)},
        )
