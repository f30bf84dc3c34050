"""Local days, weeks and months of a market.

Windows are half open and named by their first local date, so that they tile UTC with no gap or
overlap whatever the clocks do.
"""

import datetime as dt
from zoneinfo import ZoneInfo


def local_date(moment: dt.datetime, zone: str) -> dt.date:
    """The market's calendar date at an aware moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def day_bounds(date: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """The UTC moments at which a local date begins and ends (exclusive); 23 to 25 hours apart."""
    tz = ZoneInfo(zone)
    start = dt.datetime.combine(date, dt.time.min, tz)
    end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time.min, tz)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


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
        return start + dt.timedelta(days=1)
    if window == "week":
        return start + dt.timedelta(days=7)
    if window == "month":
        return (start + dt.timedelta(days=32)).replace(day=1)
    raise ValueError(window)
