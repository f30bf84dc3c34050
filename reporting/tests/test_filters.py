"""Periods, comparisons and day boundaries: what an address asks for, in the market's calendar."""

import datetime as dt

import pytest
from django.http import QueryDict

from compensations.tests.scenario import Company, build
from reporting.filters import compared, month_before, read_address, read_period
from reporting.selectors.board import read_board
from reporting.selectors.lists import Narrow, rows_behind, total_of
from reporting.selectors.sight import Sight
from reporting.states import Measure

from .history import History

SUNDAY = dt.date(2026, 3, 1)
THURSDAY = dt.date(2026, 12, 31)


def days(first: str, last: str) -> tuple[dt.date, dt.date]:
    """Both dates included, as a person says them."""
    return dt.date.fromisoformat(first), dt.date.fromisoformat(last)


@pytest.mark.parametrize(
    ("key", "today", "expected"),
    [
        ("today", SUNDAY, ("2026-03-01", "2026-03-01")),
        ("yesterday", SUNDAY, ("2026-02-28", "2026-02-28")),
        ("week", SUNDAY, ("2026-02-23", "2026-03-01")),
        ("month", SUNDAY, ("2026-03-01", "2026-03-01")),
        ("last-month", SUNDAY, ("2026-02-01", "2026-02-28")),
        ("30", SUNDAY, ("2026-01-31", "2026-03-01")),
        ("month", THURSDAY, ("2026-12-01", "2026-12-31")),
        ("nonsense", THURSDAY, ("2026-12-01", "2026-12-31")),
    ],
)
def test_a_preset_is_whole_local_days(key: str, today: dt.date, expected: tuple[str, str]) -> None:
    period = read_period(key, "", "", today)
    assert (period.start, period.last) == days(*expected)


@pytest.mark.parametrize(
    ("first", "last", "taken"),
    [
        ("2026-01-05", "2026-01-07", True),
        ("2026-01-07", "2026-01-05", False),
        ("2026-01-05", "2027-01-05", False),
        ("2025-01-01", "2026-02-28", False),
        ("1999-12-31", "2000-01-05", False),
        ("2026-02-30", "2026-03-01", False),
        ("", "", False),
    ],
)
def test_own_dates_are_taken_where_they_make_a_period(first: str, last: str, taken: bool) -> None:
    period = read_period("own", first, last, THURSDAY)
    assert (period.key == "own") is taken
    if taken:
        assert (period.start, period.last) == days(first, last)


@pytest.mark.parametrize(
    ("key", "today", "how", "expected"),
    [
        ("yesterday", SUNDAY, "previous", ("2026-02-27", "2026-02-27")),
        ("week", SUNDAY, "previous", ("2026-02-16", "2026-02-22")),
        ("month", THURSDAY, "month", ("2026-11-01", "2026-11-30")),
        ("last-month", SUNDAY, "month", ("2026-01-01", "2026-01-31")),
        ("month", THURSDAY, "year", ("2025-12-01", "2025-12-31")),
        ("today", dt.date(2024, 2, 29), "year", ("2023-02-28", "2023-02-28")),
    ],
)
def test_a_comparison_is_a_period_of_its_own(
    key: str, today: dt.date, how: str, expected: tuple[str, str]
) -> None:
    period = compared(read_period(key, "", "", today), how)
    assert period is not None
    assert (period.start, period.last) == days(*expected)
    assert compared(read_period(key, "", "", today), "none") is None


def test_a_month_before_keeps_the_day_or_takes_the_last() -> None:
    assert month_before(dt.date(2026, 3, 31), 1) == dt.date(2026, 2, 28)
    assert month_before(dt.date(2026, 1, 15), 1) == dt.date(2025, 12, 15)
    assert month_before(dt.date(2026, 1, 15), 13) == dt.date(2024, 12, 15)


@pytest.fixture
def company(db: None) -> Company:
    return build()


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Madrid", dt.date(2025, 10, 26), 25),
        ("Europe/Madrid", dt.date(2025, 3, 30), 23),
        ("America/Mexico_City", dt.date(2025, 10, 26), 24),
        ("America/Bogota", dt.date(2025, 3, 30), 24),
    ],
)
def test_a_day_is_the_markets_day_however_long(
    company: Company, zone: str, date: dt.date, hours: int
) -> None:
    """The first and last second of the day count, their neighbours do not; numbers and lists."""
    market = company.market
    market.time_zone = zone
    market.save()
    query = QueryDict(f"period=own&from={date}&to={date}")
    address = read_address(
        Sight(market, company.supervisor),
        query,
        path="/",
        list_path="/list/",
        categories=[],
        locations=[],
        teams=[],
    )
    start, end = address.part.bounds
    assert end - start == dt.timedelta(hours=hours)
    history = History(company)
    second = dt.timedelta(seconds=1)
    for moment in (start - second, start, end - second, end):
        case = history.case(moment)
        history.given(case, moment)
    board = read_board(address.part, None)
    assert (board.totals.cases, board.totals.issued) == (2, 2)
    assert list(board.issuance.days) == [(date, "coupon")]
    for measure in (Measure.CASES, Measure.ISSUED):
        rows = rows_behind(measure, address.part, Narrow())
        assert total_of(measure, rows).number == 2
