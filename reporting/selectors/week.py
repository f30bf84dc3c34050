"""The hours of a market's week: 0 is Monday from 00:00 to 01:00 on its own clock, 167 the last one.

A chart counts by them, and a list is narrowed to the spans of time that they are within its days.
What the clock shows at a moment is what `common.windows` says, as for the bounds of a day: the
database's own knowledge of time zones decides nothing. An hour that a night has twice is one.
"""

import datetime as dt
from typing import Any

from common.windows import clock_offsets, day_bounds, hour_bounds

from .slices import Slice

DAYS, HOURS = 7, 24
WEEK = DAYS * HOURS
# 1970-01-01, from which an epoch counts, was a Thursday.
_THURSDAY = 3 * HOURS

# Of a moment `issued_at` within the days of `clock_values`.
WEEK_HOUR = f"""(floor((
        date_part('epoch', issued_at)
        + (%(offsets)s::int[])[width_bucket(issued_at, %(moments)s::timestamptz[])]
    ) / 3600)::int + {_THURSDAY}) %% {WEEK}"""


def clock_values(part: Slice) -> dict[str, Any]:
    """The local clock of a part's days: from which moments on it is how many seconds ahead."""
    found = clock_offsets(part.start, part.end, part.market.time_zone)
    return {
        "moments": [moment for moment, _seconds in found],
        "offsets": [seconds for _moment, seconds in found],
    }


def spans(
    part: Slice, weekday: int | None, hour: int | None
) -> list[tuple[dt.datetime, dt.datetime]]:
    """When within a part's days it is a weekday (0 is Monday), an hour, or both: UTC, half open."""
    zone = part.market.time_zone
    dates = [part.start + dt.timedelta(days=number) for number in range(part.days)]
    return [
        day_bounds(date, zone) if hour is None else hour_bounds(date, hour, zone)
        for date in dates
        if weekday in {None, date.weekday()}
    ]
