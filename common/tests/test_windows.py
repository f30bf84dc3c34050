"""Hours tile a day and clocks are found where they change, whatever the zone does to its days;
a clock has a name."""

import datetime as dt
import random
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from common.windows import clock_offsets, day_bounds, hour_bounds, zone_label

MADRID = "Europe/Madrid"
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "date"),
    [
        (MADRID, dt.date(2025, 3, 30)),
        (MADRID, dt.date(2025, 10, 26)),
        ("America/Mexico_City", dt.date(2025, 10, 26)),
        # Half an hour back and forth, and changes at midnight.
        ("Australia/Lord_Howe", dt.date(2025, 4, 6)),
        ("Australia/Lord_Howe", dt.date(2025, 10, 5)),
        ("America/Santiago", dt.date(2025, 4, 5)),
        ("America/Santiago", dt.date(2025, 9, 7)),
        ("Asia/Kathmandu", dt.date(2025, 1, 1)),
    ],
)
def test_hours_tile_a_day(zone: str, date: dt.date) -> None:
    hours = [hour_bounds(date, hour, zone) for hour in range(24)]
    assert (hours[0][0], hours[-1][1]) == day_bounds(date, zone)
    assert all(before[1] == after[0] for before, after in pairwise(hours))
    for hour, (start, end) in enumerate(hours):
        assert start <= end
        for moment in (start, end - dt.timedelta(seconds=1)):
            if start < end:
                local = moment.astimezone(ZoneInfo(zone))
                assert (local.date(), local.hour) == (date, hour)


@pytest.mark.parametrize(
    ("date", "long"), [(dt.date(2025, 3, 30), 0 * HOUR), (dt.date(2025, 10, 26), 2 * HOUR)]
)
def test_an_hour_may_never_come_or_come_twice(date: dt.date, long: dt.timedelta) -> None:
    start, end = hour_bounds(date, 2, MADRID)
    assert end - start == long


def test_a_clock_that_never_changes_has_one_offset() -> None:
    start, end = dt.date(2025, 1, 1), dt.date(2026, 1, 1)
    zone = "America/Mexico_City"
    assert clock_offsets(start, end, zone) == [(day_bounds(start, zone)[0], -6 * 3600)]


def test_a_year_in_madrid_has_two_changes() -> None:
    found = clock_offsets(dt.date(2025, 1, 1), dt.date(2026, 1, 1), MADRID)
    assert found == [
        (dt.datetime(2024, 12, 31, 23, tzinfo=dt.UTC), 3600),
        (dt.datetime(2025, 3, 30, 1, tzinfo=dt.UTC), 7200),
        (dt.datetime(2025, 10, 26, 1, tzinfo=dt.UTC), 3600),
    ]


@pytest.mark.parametrize(
    "zone", [MADRID, "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Beirut"]
)
def test_the_clock_is_that_of_the_calendar_at_any_moment(zone: str) -> None:
    first, last = dt.date(2024, 6, 1), dt.date(2025, 6, 1)
    found = clock_offsets(first, last, zone)
    start, end = day_bounds(first, zone)[0], day_bounds(last, zone)[0]
    dice = random.Random(zone)
    drawn = [start + (end - start) * dice.random() for _number in range(500)]
    changes = [moment + side for moment, _ahead in found for side in (0 * HOUR, -HOUR / 3600)]
    for moment in [*drawn, *changes[2:], start]:
        ahead = [seconds for since, seconds in found if since <= moment][-1]
        assert moment.astimezone(ZoneInfo(zone)).utcoffset() == dt.timedelta(seconds=ahead)


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("UTC", "UTC"),
        ("America/Bogota", "UTC\u22125"),
        ("Asia/Kolkata", "UTC+5:30"),
        ("America/St_Johns", "UTC\u22123:30"),
    ],
)
def test_a_zone_is_named_by_its_offset(zone: str, label: str) -> None:
    assert zone_label(dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC), ZoneInfo(zone)) == label
