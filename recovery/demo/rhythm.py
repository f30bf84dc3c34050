"""When things happen: the shape of the day and the week in each market's local time."""

import datetime as dt
import random
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from common.windows import local_date

DAYS = 90
# Relative weight of each local hour. Hotels: breakfast, arrivals, bedtime. Kitchens: lunch, dinner.
HOURS = {
    "hotel": (2, 2, 1, 1, 1, 1, 2, 5, 8, 8, 7, 6, 6, 6, 8, 10, 10, 9, 8, 7, 6, 6, 6, 4),
    "delivery": (2, 1, 0, 0, 0, 0, 0, 1, 2, 2, 4, 7, 11, 13, 9, 5, 4, 4, 6, 9, 12, 11, 8, 4),
}
# Monday first.
WEEKDAYS = {
    "hotel": (0.85, 0.8, 0.85, 0.95, 1.15, 1.3, 1.2),
    "delivery": (0.85, 0.85, 0.9, 0.95, 1.2, 1.25, 1.15),
}


def moments(
    content: str, zone: str, *, now: dt.datetime, count: int, rng: random.Random
) -> list[dt.datetime]:
    """About `count` UTC moments of the last ninety local days, in order, none after `now`."""
    tz = ZoneInfo(zone)
    today = local_date(now, zone)
    hours = HOURS[content]
    found = []
    for back in range(DAYS):
        date = today - dt.timedelta(days=back)
        share = WEEKDAYS[content][date.weekday()] * rng.uniform(0.86, 1.14)
        # A little more every month: the business grows.
        share *= 1.06 - 0.12 * back / DAYS
        exact = count / DAYS * share
        whole = int(exact) + (rng.random() < exact % 1)
        for hour in rng.choices(range(24), hours, k=whole):
            local = dt.datetime(
                date.year,
                date.month,
                date.day,
                hour,
                rng.randrange(60),
                rng.randrange(60),
                rng.randrange(1_000_000),
                tzinfo=tz,
            )
            moment = local.astimezone(dt.UTC)
            if moment <= now:
                found.append(moment)
    return sorted(found)


T = TypeVar("T")


class Wheel(Generic[T]):
    """Draws things by weight, quickly."""

    def __init__(self, things: Sequence[T], weights: Sequence[float]) -> None:
        self.things = things
        self._sums = list(accumulate(weights))

    def draw(self, rng: random.Random) -> T:
        return self.things[bisect(self._sums, rng.random() * self._sums[-1])]


def minutes(rng: random.Random, typical: float, spread: float = 0.6) -> dt.timedelta:
    """A span around `typical` minutes with a long tail, as waiting times have."""
    return dt.timedelta(minutes=min(typical * rng.lognormvariate(0, spread), typical * 12))
