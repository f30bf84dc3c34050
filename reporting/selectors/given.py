"""What only the compensations themselves can say: repeat customers, the hours of the week, what
became of a period's coupons, what is still valid, what waits, and how near each person is to a
limit.

Each is one statement over the rows of a period, or of now; none reads history.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from django.db import connection
from django.utils import timezone

from common.windows import day_bounds, local_date, window_start
from compensations.limits import used_in
from compensations.models import IssuanceLimit
from compensations.states import COUPON_KINDS, LimitScope, LimitState, LimitWindow, OfferKind
from incidents.models import Customer

from ..figures import ratio
from .slices import NOBODY, Slice
from .week import WEEK, WEEK_HOUR, clock_values

PAIRS = 10
# Days left and days of age: up to a week, a month, two, three, and beyond.
EDGES = (7, 30, 60, 90)

_GIVEN = """
WITH given AS MATERIALIZED (
    SELECT granted_by_id AS staff_id, customer_id, kind, state, face_minor, is_statutory, issued_at
    FROM compensations_compensation
    WHERE market_id = %(market)s AND issued_at >= %(from)s AND issued_at < %(until)s AND {where}
), pair AS (
    SELECT staff_id, customer_id, count(*) AS number, sum(face_minor) AS minor,
        max(issued_at) AS last
    FROM given WHERE NOT is_statutory AND state <> 'voided'
    GROUP BY 1, 2 HAVING count(*) > 1
)
SELECT 'coupons' AS what, NULL::uuid, NULL::uuid, count(*)::bigint,
    count(*) FILTER (WHERE state = 'settled'), NULL::timestamptz
FROM given WHERE kind = ANY(%(coupon_kinds)s)
UNION ALL
SELECT 'repeat', staff_id, NULL, count(*), sum(minor)::bigint, NULL FROM pair GROUP BY staff_id
UNION ALL
SELECT 'hour', NULL, NULL, {week_hour}, count(*), NULL FROM given WHERE NOT is_statutory GROUP BY 4
UNION ALL
(SELECT 'pair', staff_id, customer_id, number, minor::bigint, last FROM pair
 ORDER BY number DESC, minor DESC, staff_id, customer_id LIMIT %(pairs)s)
"""

_AGEING = """
SELECT age, "left", count(*), COALESCE(sum(minor), 0)::bigint
FROM (
    SELECT width_bucket(given.issued_at, %(born)s::timestamptz[]) AS age,
        width_bucket(given.expires_at, %(ends)s::timestamptz[]) AS "left",
        CASE WHEN given.kind <> %(card)s THEN given.face_minor
             ELSE (SELECT coupon.balance_minor FROM compensations_coupon coupon
                   WHERE coupon.compensation_id = given.id) END AS minor
    FROM compensations_compensation given
    WHERE given.market_id = %(market)s AND given.state = 'issued'
        AND given.expires_at > %(now)s AND {where}
) valid
GROUP BY GROUPING SETS ((age), ("left"))
"""

_WAITING = """
SELECT count(*), COALESCE(sum(given.face_minor), 0)::bigint, min(approval.requested_at)
FROM compensations_approval approval
JOIN compensations_compensation given ON given.id = approval.compensation_id
WHERE approval.market_id = %(market)s AND approval.state = 'pending' AND {where}
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """An agent and a customer who met more than once in the period; goodwill that still stands."""

    staff: uuid.UUID
    customer: uuid.UUID
    number: int
    minor: int
    last: dt.datetime
    customer_name: str = ""


@dataclass(slots=True)
class Given:
    """`coupons` were issued in the period; `redeemed` of them are used up by now.

    `week` counts goodwill by the hour of the market's week in which it was issued.
    """

    coupons: int = 0
    redeemed: int = 0
    week: list[int] = field(default_factory=lambda: [0] * WEEK)
    repeat: dict[uuid.UUID, int] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def redeemed_share(self) -> Fraction | None:
        return ratio(self.redeemed, self.coupons)


def _run(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def of_compensations(part: Slice, alias: str = "") -> tuple[str, dict[str, Any]]:
    """The part's conditions on compensations, where the agent is who granted."""
    conditions, values = part.conditions(cases=False)
    dot = f"{alias}." if alias else ""
    renamed = [
        condition if condition == "TRUE" else dot + condition.replace("staff_id", "granted_by_id")
        for condition in conditions
    ]
    return " AND ".join(renamed), {**values, "market": part.market.pk}


def given(part: Slice) -> Given:
    """Repeat customers, pairs, hours of the week and the fate of the period's coupons."""
    where, values = of_compensations(part)
    start, end = part.bounds
    values |= {
        "from": start,
        "until": end,
        "coupon_kinds": sorted(COUPON_KINDS),
        "pairs": PAIRS,
        **clock_values(part),
    }
    statement = _GIVEN.format(where=where, week_hour=WEEK_HOUR)
    found = Given()
    for what, staff, customer, number, other, last in _run(statement, values):
        if what == "coupons":
            found.coupons, found.redeemed = number, other
        elif what == "hour":
            found.week[number] = other
        elif what == "repeat":
            found.repeat[staff] = number
        else:
            found.pairs.append(Pair(staff, customer, number, other, last))
    return _named(found)


def _named(found: Given) -> Given:
    names = dict(
        Customer.objects.filter(pk__in=[pair.customer for pair in found.pairs]).values_list(
            "pk", "name"
        )
    )
    found.pairs = [
        Pair(
            pair.staff,
            pair.customer,
            pair.number,
            pair.minor,
            pair.last,
            names.get(pair.customer, ""),
        )
        for pair in found.pairs
    ]
    return found


def edges_left(part: Slice, today: dt.date) -> list[dt.datetime]:
    """Moments between the bands of days left; a coupon is good until the end of a local day."""
    zone = part.market.time_zone
    # A day's end belongs to the earlier band: bands hold what expires at it, not after it.
    return [
        day_bounds(today + dt.timedelta(days=days), zone)[1] + dt.timedelta(microseconds=1)
        for days in EDGES
    ]


def edges_age(part: Slice, today: dt.date) -> list[dt.datetime]:
    """The same between the bands of age, the oldest first."""
    zone = part.market.time_zone
    return [day_bounds(today - dt.timedelta(days=days), zone)[0] for days in reversed(EDGES)]


@dataclass(frozen=True, slots=True)
class Band:
    """Valid coupons with `low` to `high` days left, or of that age; `high` None is open."""

    index: int
    low: int
    high: int | None
    number: int
    minor: int


def ageing(part: Slice) -> tuple[list[Band], list[Band]]:
    """What is valid and not redeemed now, by days left and by age; whatever the part's days."""
    now = timezone.now()
    today = local_date(now, part.market.time_zone)
    where, values = of_compensations(part, "given")
    values |= {
        "now": now,
        "born": edges_age(part, today),
        "ends": edges_left(part, today),
        "card": OfferKind.GIFT_CARD.value,
    }
    left: dict[int, tuple[int, int]] = {}
    age: dict[int, tuple[int, int]] = {}
    for old, rest, number, minor in _run(_AGEING.format(where=where), values):
        if old is not None:
            age[len(EDGES) - old] = number, minor
        else:
            left[rest] = number, minor
    return _bands(left), _bands(age)


def _bands(found: dict[int, tuple[int, int]]) -> list[Band]:
    lows = [0, *(edge + 1 for edge in EDGES)]
    highs = [*EDGES, None]
    return [
        Band(index, low, high, *found.get(index, (0, 0)))
        for index, (low, high) in enumerate(zip(lows, highs, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    number: int
    minor: int
    oldest: dt.datetime | None


def waiting(part: Slice) -> Waiting:
    """Requests that wait for a decision now, whatever the part's days."""
    where, values = of_compensations(part, "given")
    return Waiting(*_run(_WAITING.format(where=where), values)[0])


@dataclass(frozen=True, slots=True)
class LimitUse:
    """The fullest of a person's own windows now. `used` and `cap` are minor units or a count."""

    window: str
    measure: str
    used: int
    cap: int

    @property
    def share(self) -> Fraction | None:
        return ratio(self.used, self.cap)


def limit_use(part: Slice, people: Sequence[uuid.UUID]) -> dict[uuid.UUID, LimitUse]:
    """For each person with a limit of their own scope in force, the window that is fullest now.

    One made for the person replaces the general one of its window and measure, as in granting.
    """
    limits = list(
        IssuanceLimit.objects.filter(
            market=part.market, scope=LimitScope.AGENT, state=LimitState.IN_FORCE
        )
    )
    asked = [key for key in people if key != NOBODY]
    if not limits or not asked:
        return {}
    today = local_date(timezone.now(), part.market.time_zone)
    starts = {
        limit.pk: window_start(limit.window, today)
        for limit in limits
        if limit.window != LimitWindow.EACH
    }
    used = used_in(
        [
            (limit.counts_in_id, str(key), starts[limit.pk])
            for limit in limits
            if limit.pk in starts
            for key in asked
        ]
    )
    general = [limit for limit in limits if limit.for_staff_id is None]
    own: dict[uuid.UUID, list[IssuanceLimit]] = defaultdict(list)
    for limit in limits:
        if limit.for_staff_id is not None:
            own[limit.for_staff_id].append(limit)
    found = {}
    for key in asked:
        mine = {(row.window, row.measure): row for row in [*general, *own[key]] if row.pk in starts}
        uses = [
            LimitUse(
                row.window,
                row.measure,
                used.get((row.counts_in_id, str(key), starts[row.pk]), 0),
                row.cap,
            )
            for row in mine.values()
        ]
        if uses:
            found[key] = max(uses, key=lambda use: (use.share or Fraction(0), -use.cap))
    return found
