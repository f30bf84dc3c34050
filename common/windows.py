"""Local days, weeks and months of a market.

Windows are half open and named by their first local date, so that they tile UTC with no gap or
overlap whatever the clocks do.
"""

import datetime as dt
from bisect import bisect_left
from zoneinfo import ZoneInfo

DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


def local_date(moment: dt.datetime, zone: str) -> dt.date:
    """The market's calendar date at an aware moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def day_bounds(date: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """The UTC moments at which a local date begins and ends (exclusive); 23 to 25 hours apart."""
    tz = ZoneInfo(zone)
    start = dt.datetime.combine(date, dt.time.min, tz)
    end = dt.datetime.combine(date + DAY, dt.time.min, tz)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def hour_bounds(date: dt.date, hour: int, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """The same of one hour of a local date: no time at all where the clock leaves it out."""
    start = dt.datetime.combine(date, dt.time(hour), ZoneInfo(zone))
    # An hour later on the wall, whatever the clock does in between.
    end = start + dt.timedelta(hours=1)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def clock_offsets(start: dt.date, end: dt.date, zone: str) -> list[tuple[dt.datetime, int]]:
    """By how many seconds the local clock is ahead of UTC, and from which UTC moment on.

    For the local dates from `start` until before `end`: the first moment is where they begin, every
    other one a moment at which the clock is put forward or back.
    """
    tz = ZoneInfo(zone)
    moment, until = day_bounds(start, zone)[0], day_bounds(end - DAY, zone)[1]
    found = [(moment, _ahead(moment, tz))]
    while moment < until:
        later = min(moment + DAY, until)
        if _ahead(later, tz) != found[-1][1]:
            changed = _changed(moment, later, tz)
            found.append((changed, _ahead(changed, tz)))
        moment = later
    return found


def _ahead(moment: dt.datetime, tz: ZoneInfo) -> int:
    offset = moment.astimezone(tz).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _changed(first: dt.datetime, last: dt.datetime, tz: ZoneInfo) -> dt.datetime:
    """The second after `first`, up to `last`, at which the clock is no longer that of `first`."""
    before = _ahead(first, tz)
    seconds = range(int((last - first).total_seconds()))
    past = bisect_left(seconds, True, key=lambda n: _ahead(first + n * SECOND, tz) != before)
    return first + past * SECOND


def zone_label(moment: dt.datetime, zone: dt.tzinfo) -> str:
    """The offset at an aware moment as `UTC\u22126`: abbreviations name several zones or none."""
    offset = moment.astimezone(zone).utcoffset() or dt.timedelta()
    if not offset:
        return "UTC"
    hours, minutes = divmod(abs(offset) // dt.timedelta(minutes=1), 60)
    sign = "\u2212" if offset < dt.timedelta() else "+"
    return f"UTC{sign}{hours}" + (f":{minutes:02d}" if minutes else "")


def window_start(window: str, date: dt.date) -> dt.date:
    """First date of the `day`, `week` (from Monday) or `month` that holds `date`."""
    if window == "day":
        return date
    if window == "week":
        return date - dt.timedelta(days=date.weekday())
    if window == "month":
        return date.replace(day=1)
    raise ValueError(window)


def window_end(window: str, start: dt.date) -> dt.date:
    """The date after the last one of the window that starts on `start`."""
    if window == "day":
        return start + DAY
    if window == "week":
        return start + dt.timedelta(days=7)
    if window == "month":
        return (start + dt.timedelta(days=32)).replace(day=1)
    raise ValueError(window)
