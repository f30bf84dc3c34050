"""Goodwill by weekday and hour of the market's clock: recounts, lists, changes of the clock."""

import datetime as dt
import random
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import translation

from common.windows import day_bounds
from compensations.tests.scenario import Company, build
from reporting.filters import Address, read_address, read_list
from reporting.selectors.board import read_board
from reporting.selectors.given import given
from reporting.selectors.lists import Narrow, rows_behind, total_of
from reporting.selectors.sight import Sight
from reporting.selectors.week import HOURS, WEEK
from reporting.states import Measure
from reporting.views.week_shown import by_week_hour

from . import naive
from .history import History

pytestmark = pytest.mark.django_db

# Monday to Sunday; on the Sunday the clock of Madrid goes forward, or back.
FORWARD = (dt.date(2025, 3, 24), dt.date(2025, 3, 30))
BACK = (dt.date(2025, 10, 20), dt.date(2025, 10, 26))
YEAR = (dt.date(2025, 1, 1), dt.date(2026, 1, 1))
SUNDAY = 6
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def company(db: None) -> Company:
    return build()


def in_zone(company: Company, zone: str) -> None:
    company.market.time_zone = zone
    company.market.save()


def address_of(company: Company, days: tuple[dt.date, dt.date], more: str = "") -> Address:
    query = QueryDict(f"period=own&from={days[0]}&to={days[1]}&compare=none&{more}")
    found = read_address(
        Sight(company.market, company.supervisor),
        query,
        path="/",
        list_path="/list/",
        categories=[],
        locations=[],
        teams=[],
    )
    read_list(found, query)
    return found


def give(company: Company, *moments: dt.datetime, **fields: Any) -> None:
    history = History(company)
    for moment in moments:
        history.given(history.case(moment), moment, **fields)


def hours(week: list[int]) -> dict[tuple[int, int], int]:
    return {divmod(index, HOURS): number for index, number in enumerate(week) if number}


def listed(company: Company, days: tuple[dt.date, dt.date], more: str) -> int:
    address = address_of(company, days, f"measure=issued&law=no&{more}")
    return total_of(
        address.measure, rows_behind(address.measure, address.part, address.narrow)
    ).number


@pytest.mark.parametrize(
    ("days", "moments", "expected"),
    [
        # 01:59:59 and then 03:00: the second hour never comes.
        (FORWARD, ["00:59:59", "01:00:00"], {(SUNDAY, 1): 1, (SUNDAY, 3): 1}),
        # 02:30 in summer and 02:30 in winter are one hour of the week; 03:00 comes once.
        (
            BACK,
            ["23:59:59", "00:00:00", "00:30:00", "01:30:00", "02:00:00"],
            {(SUNDAY, 1): 1, (SUNDAY, 2): 3, (SUNDAY, 3): 1},
        ),
    ],
)
def test_hours_are_those_of_the_markets_clock(
    company: Company,
    days: tuple[dt.date, dt.date],
    moments: list[str],
    expected: dict[tuple[int, int], int],
) -> None:
    """Moments are UTC of the Sunday, the one before midnight of the evening before."""
    in_zone(company, "Europe/Madrid")
    for text in moments:
        date = days[1] - dt.timedelta(days=text.startswith("23"))
        give(company, dt.datetime.fromisoformat(f"{date}T{text}+00:00"))
    assert hours(given(address_of(company, days).part).week) == expected
    for hour in range(HOURS):
        said = expected.get((SUNDAY, hour), 0)
        assert listed(company, days, f"weekday=7&hour={hour}") == said


@pytest.mark.parametrize(
    "zone", ["Europe/Madrid", "America/Mexico_City", "America/Santiago", "Australia/Lord_Howe"]
)
def test_a_year_is_a_recount_and_every_square_its_list(company: Company, zone: str) -> None:
    in_zone(company, zone)
    start, end = day_bounds(YEAR[0], zone)[0], day_bounds(YEAR[1], zone)[1]
    dice = random.Random(zone)
    give(company, *(start + (end - start) * dice.random() for _number in range(60)))
    give(company, start, offer="statutory")
    board = read_board(address_of(company, YEAR).part, None)
    asked = naive.Asked(company.market, YEAR[0], YEAR[1] + dt.timedelta(days=1))
    week = board.given.week
    assert week == naive.week(asked)
    assert sum(week) == board.totals.issued == 60
    for (day, hour), number in hours(week).items():
        assert listed(company, YEAR, f"weekday={day + 1}&hour={hour}") == number
    for day in range(7):
        assert listed(company, YEAR, f"weekday={day + 1}") == sum(week[HOURS * day :][:HOURS])
    for hour in range(HOURS):
        assert listed(company, YEAR, f"hour={hour}") == sum(week[hour::HOURS])


def test_the_first_and_last_moment_of_the_days_count(company: Company) -> None:
    in_zone(company, "Europe/Madrid")
    start, end = day_bounds(BACK[0], "Europe/Madrid")[0], day_bounds(BACK[1], "Europe/Madrid")[1]
    give(company, start - SECOND, start, end - SECOND, end)
    assert hours(given(address_of(company, BACK).part).week) == {(0, 0): 1, (SUNDAY, 23): 1}


def test_a_weekday_that_the_days_do_not_hold_is_an_empty_list(company: Company) -> None:
    monday = (FORWARD[0], FORWARD[0])
    give(company, day_bounds(monday[0], company.market.time_zone)[0])
    assert listed(company, monday, "weekday=1") == 1
    assert listed(company, monday, "weekday=2") == 0


@pytest.mark.parametrize("more", ["weekday=0&hour=24", "weekday=8&hour=-1", "weekday=x&hour=1.5"])
def test_an_hour_that_there_is_not_narrows_nothing(company: Company, more: str) -> None:
    address = address_of(company, BACK, more)
    assert address.narrow == Narrow()
    assert address.extra == {}


def test_what_counts_this_moment_has_no_hour(company: Company) -> None:
    narrowed = address_of(company, BACK, "measure=cases&weekday=1&hour=0")
    assert (narrowed.narrow.weekday, narrowed.narrow.hour) == (0, 0)
    for measure in (Measure.VALID, Measure.WAITING):
        address = address_of(company, BACK, f"measure={measure}&weekday=1&hour=0")
        assert address.narrow == Narrow()
        assert address.extra == {}


def test_every_measure_can_be_narrowed_to_an_hour(company: Company) -> None:
    """Each by the moment of its own event."""
    history = History(company)
    noon = day_bounds(BACK[0], company.market.time_zone)[0] + dt.timedelta(hours=12)
    case = history.case(noon)
    history.voided(history.given(case, noon + dt.timedelta(hours=1)), noon + dt.timedelta(hours=2))
    used = history.redeemed(history.given(case, noon), noon + dt.timedelta(hours=3))
    history.reversed(used, noon + dt.timedelta(hours=4))
    found: dict[Measure, list[int]] = {}
    for measure in (
        Measure.CASES,
        Measure.ISSUED,
        Measure.VOIDED,
        Measure.REDEEMED,
        Measure.REVERSED,
    ):
        found[measure] = []
        for hour in range(HOURS):
            part = address_of(company, BACK).part
            rows = rows_behind(measure, part, Narrow(weekday=0, hour=hour))
            found[measure] += [hour] * total_of(measure, rows).number
    assert found == {
        Measure.CASES: [12],
        Measure.ISSUED: [12, 13],
        Measure.VOIDED: [14],
        Measure.REDEEMED: [15],
        Measure.REVERSED: [16],
    }


SENTENCES = {
    "en": [
        "Nothing was issued in these days.",
        "1 goodwill compensation, on Sunday, 23:00 to 24:00.",
        "2 goodwill compensations; no hour of the week stands out: 1 at most.",
        "3 goodwill compensations; the most on Monday, 00:00 to 01:00: 2.",
    ],
    "es": [
        "No se emitió nada en estos días.",
        "1 compensación comercial, el domingo de 23:00 a 24:00.",
        "2 compensaciones comerciales; ninguna hora de la semana destaca: 1 como máximo.",
        "3 compensaciones comerciales; lo más alto, el lunes de 00:00 a 01:00: 2.",
    ],
}


@pytest.mark.parametrize("language", SENTENCES)
def test_the_sentence_says_the_fullest_hour_where_there_is_one(
    company: Company, language: str
) -> None:
    start, end = (
        day_bounds(BACK[0], company.market.time_zone)[0],
        day_bounds(BACK[1], company.market.time_zone)[1],
    )
    address = address_of(company, BACK)
    found = []
    with translation.override(language):
        for moment in (None, end - SECOND, start, start):
            if moment:
                give(company, moment)
            found.append(by_week_hour(read_board(address.part, None), address).sentence)
    assert found == SENTENCES[language]


def test_a_weekday_says_how_often_the_days_hold_it(company: Company) -> None:
    address = address_of(company, (FORWARD[0], FORWARD[1] + dt.timedelta(days=1)))
    with translation.override("en"):
        chart = by_week_hour(read_board(address.part, None), address)
    assert [row.note for row in chart.rows] == ["2 days", *["1 day"] * 6]
    assert len(chart.squares) == WEEK
