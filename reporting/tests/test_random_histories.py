"""Random histories over the edges of local days: a rollup is a recount, and the days tile time.

The expected figures are counted by a plain loop that knows nothing of SQL.
"""

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Market
from common.windows import day_bounds, local_date
from compensations.models import Compensation, Coupon, Redemption
from compensations.tests.scenario import Company, build
from incidents.models import Incident
from reporting.actions import build_report, roll_day
from reporting.models import RolledDay
from reporting.selectors.rollups import Filters, case_rows, issuance_rows

from .history import History

pytestmark = pytest.mark.django_db

# Around both changes of the clock in Madrid, and plain days; Bogotá and Mexico City have none.
ZONES = {
    "Europe/Madrid": [dt.date(2025, 3, 30), dt.date(2025, 10, 26), dt.date(2025, 6, 15)],
    "America/Mexico_City": [dt.date(2025, 4, 6), dt.date(2025, 12, 31)],
    "America/Bogota": [dt.date(2025, 2, 28), dt.date(2025, 11, 2)],
}
# Minutes from a midnight: the edges, the hours that happen twice or never, the middle.
MINUTES = st.sampled_from([-1441, -1, 0, 1, 119, 120, 121, 179, 180, 181, 720, 1379, 1439, 1500])
EVENTS = st.sampled_from(["void", "redeem", "part", "reverse", "expire", "nothing"])
STEP = st.tuples(MINUTES, MINUTES, MINUTES, EVENTS)


@pytest.fixture
def company(db: None) -> Company:
    return build()


def day_after(date: dt.date) -> dt.date:
    return date + dt.timedelta(days=1)


@pytest.mark.parametrize("zone", ZONES)
def test_local_days_tile_utc(zone: str) -> None:
    date, end = dt.date(2024, 12, 30), dt.date(2026, 1, 3)
    hours: Counter[int] = Counter()
    while date < end:
        starts, ends = day_bounds(date, zone)
        assert ends == day_bounds(day_after(date), zone)[0]
        hours[round((ends - starts).total_seconds() / 3600)] += 1
        for moment in (starts, ends - dt.timedelta(microseconds=1)):
            assert local_date(moment, zone) == date
        date = day_after(date)
    assert set(hours) == ({23, 24, 25} if zone == "Europe/Madrid" else {24})


def play(history: History, midnight: dt.datetime, steps: list[Any]) -> None:
    """Each step is a case, a compensation some time after it, and what became of that."""
    for logged, later, latest, what in steps:
        moments = sorted(
            midnight + dt.timedelta(minutes=minute) for minute in (logged, later, latest)
        )
        case = history.case(moments[0])
        made = history.given(case, moments[1], offer="gift_card", face=500_00)
        if what == "void":
            history.voided(made, moments[2])
        elif what in {"redeem", "part", "reverse"}:
            used = history.redeemed(made, moments[2], 120_00 if what == "part" else None)
            if what == "reverse":
                history.reversed(used, moments[2] + dt.timedelta(minutes=5))
        elif what == "expire":
            history.expired(made, moments[2])


# What this recount leaves to others.
LEFT_OUT = (
    "issued_expected",
    "seconds_to_compensation",
    "resolved",
    "breached",
    "met",
    "running",
)


def counted(market: Market) -> dict[dt.date, Counter[str]]:
    """By a loop over every row."""
    days: dict[dt.date, Counter[str]] = {}

    def add(moment: dt.datetime | None, **values: int) -> None:
        assert moment is not None
        day = days.setdefault(local_date(moment, market.time_zone), Counter())
        day.update({name: value for name, value in values.items() if value})

    for row in Compensation.objects.all():
        add(row.issued_at, issued=1, issued_face=row.face_minor)
        if row.state == "voided":
            add(row.ended_at, voided=1, voided_face=row.face_minor)
        if row.state == "expired":
            left = Coupon.objects.get(compensation=row).balance_minor
            add(row.ended_at, expired=1, expired_value=left)
    for used in Redemption.objects.select_related("reversal"):
        add(used.created_at, redeemed=1, redeemed_value=used.amount_minor)
        if used.reversed_at is not None:
            undone = used.reversal.created_at
            add(undone, reversed=1, reversed_value=used.amount_minor)
    for case in Incident.objects.all():
        standing = case.compensations.exclude(state="voided").exists()
        add(case.logged_at, cases=1, compensated=int(standing))
    return days


def told(market: Market, start: dt.date, end: dt.date) -> dict[dt.date, Counter[str]]:
    filters = Filters(market=market, start=start, end=end)
    days: dict[dt.date, Counter[str]] = {}
    for row in [*issuance_rows(filters, ["date"]), *case_rows(filters, ["date"])]:
        date = row.pop("date")
        names = {name: value for name, value in row.items() if value}
        for left_out in LEFT_OUT:
            names.pop(left_out, None)
        days.setdefault(date, Counter()).update(names)
    return {date: day for date, day in days.items() if day}


@pytest.mark.parametrize(("zone", "date"), [(z, d) for z, days in ZONES.items() for d in days])
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.lists(STEP, min_size=1, max_size=5),
    late=st.lists(STEP, max_size=3),
    rolled=st.sets(st.integers(-2, 2)),
)
def test_a_rollup_is_a_recount_whatever_came_late(
    company: Company,
    zone: str,
    date: dt.date,
    first: list[Any],
    late: list[Any],
    rolled: set[int],
) -> None:
    # Each example leaves the company as it found it.
    with transaction.atomic():
        check(company, zone, date, first, late, rolled)
        transaction.set_rollback(True)


def check(
    company: Company,
    zone: str,
    date: dt.date,
    first: list[Any],
    late: list[Any],
    rolled: set[int],
) -> None:
    market = company.market
    Market.objects.filter(pk=market.pk).update(time_zone=zone)
    market.time_zone = zone
    midnight = day_bounds(date, zone)[0]
    start, end = date - dt.timedelta(days=3), date + dt.timedelta(days=4)
    history = History(company)
    play(history, midnight, first)
    for number in rolled:
        roll_day(market, date + dt.timedelta(days=number))
    assert told(market, start, end) == counted(market)
    # What is written late is behind no reader of the trail; the days are rolled again by hand.
    play(history, midnight, late)
    for day in RolledDay.objects.filter(market=market).values_list("date", flat=True):
        roll_day(market, day)
    assert told(market, start, end) == counted(market)
    built = build_report(market, date)
    assert built.report.difference_minor == 0
    assert not build_report(market, date).is_revised
    assert told(market, start, end) == counted(market)
