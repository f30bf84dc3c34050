"""The night of a market: which local dates are due, and everything that is done for them in order.

Safe at any time, from any number of processes: each step is one transaction under the market's
lock, and doing it again changes nothing.
"""

import datetime as dt
import time
from collections.abc import Iterator

from django.db import connection
from django.utils import timezone

from accounts.models import Market
from common.windows import day_bounds, local_date
from compensations.actions import expire_all

from ..models import NightlyReport, RolledDay
from .reports import Built, build_report
from .rolling import mark_touched, roll_stale

# A day is closed this long after it ended, so that what was under way at midnight is in it.
GRACE = dt.timedelta(minutes=3)

# What a file brought tells nothing of when work began here: it has no clocks.
_FIRST = """
SELECT LEAST(
    (SELECT min(logged_at) FROM incidents_incident
        WHERE market_id = %(market)s AND resolve_due_at IS NOT NULL),
    (SELECT min(issued_at) FROM compensations_compensation WHERE market_id = %(market)s),
    (SELECT min(requested_at) FROM compensations_approval WHERE market_id = %(market)s))
"""


def due_dates(market: Market, now: dt.datetime | None = None) -> list[dt.date]:
    """Local dates that are over and have no report, in order, from the first one on.

    The first is that of the earliest report, or of the earliest activity where there is none.
    """
    today = local_date((now or timezone.now()) - GRACE, market.time_zone)
    there = set(NightlyReport.objects.filter(market=market).values_list("date", flat=True))
    first = min(there) if there else _first_date(market)
    if first is None:
        return []
    dates = (first + dt.timedelta(days=number) for number in range((today - first).days))
    return [date for date in dates if date not in there]


def _first_date(market: Market) -> dt.date | None:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"market": market.pk})
        (moment,) = cursor.fetchone()
    return local_date(moment, market.time_zone) if moment else None


def outdated_dates(market: Market, now: dt.datetime | None = None) -> list[dt.date]:
    """Dates whose rollup was corrected since their report was last held against it, in order.

    Once for each local day: a report that is read in the morning does not change under the reader.
    """
    begun = (
        day_bounds(local_date((now or timezone.now()) - GRACE, market.time_zone), market.time_zone)[
            0
        ]
        + GRACE
    )
    reports = NightlyReport.objects.filter(market=market, checked_at__lt=begun)
    checked = dict(reports.values_list("date", "checked_at"))
    rolled = RolledDay.objects.filter(market=market, date__in=checked)
    return sorted(
        date for date, at in rolled.values_list("date", "rolled_at") if at > checked[date]
    )


def run_night(
    market: Market, *, seconds: float | None = None, now: dt.datetime | None = None
) -> Iterator[Built]:
    """Everything that is due for a market now; gives each report as it is committed.

    Expires what ended with a day, rolls what was corrected late, builds the missing reports in
    order, then holds older ones against what was corrected. After `seconds` it begins nothing more:
    the next run goes on where this one ended.
    """
    began = time.monotonic()

    def left() -> float | None:
        return None if seconds is None else max(seconds - (time.monotonic() - began), 0)

    expire_all(market=market, seconds=left())
    mark_touched(market)
    roll_stale(market, seconds=left())
    for dates in (due_dates, outdated_dates):
        for date in dates(market, now):
            if left() == 0:
                return
            yield build_report(market, date)
