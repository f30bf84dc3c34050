"""Every figure of the dashboard against a recount in plain Python, for drawn companies, under each
filter, whichever days are rolled.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from reporting.selectors.board import Board, complete, read_board
from reporting.selectors.dashboard import Figures
from reporting.selectors.sight import Sight
from reporting.selectors.slices import NOBODY, Slice

from . import naive
from .issuance_world import World, build_world

pytestmark = pytest.mark.django_db

NAMES = [one.name for one in fields(Figures)]
Narrow = Callable[[World], dict[str, Any]]

NARROWS: dict[str, Narrow] = {
    "everything": lambda world: {},
    "a team": lambda world: {"team": world.others.pk},
    "a place": lambda world: {"location": world.locations[1].pk},
    "a reason with its sub-reasons": lambda world: {"category": world.company.category.parent_id},
    "a sub-reason": lambda world: {"category": world.categories[0].pk},
    "a channel": lambda world: {"channel": "counter"},
    "a person": lambda world: {"staff": world.staff[2].pk},
    "a supervisor's teams": lambda world: {"teams": frozenset({world.company.team.pk})},
    "no team": lambda world: {"teams": frozenset()},
    "several at once": lambda world: {
        "teams": frozenset({world.company.team.pk}),
        "channel": "phone",
        "category": world.company.category.parent_id,
    },
}
PERIODS: dict[str, Callable[[dt.date], tuple[dt.date, dt.date]]] = {
    "today": lambda today: (today, today + dt.timedelta(days=1)),
    "a month": lambda today: (today - dt.timedelta(days=29), today + dt.timedelta(days=1)),
    "a month that is over": lambda today: (
        today - dt.timedelta(days=60),
        today - dt.timedelta(days=20),
    ),
}


def slice_of(asked: naive.Asked, world: World) -> Slice:
    """The same question for the selectors."""
    teams = None if asked.teams is None else tuple(asked.teams)
    under = None
    if asked.category is not None:
        under = tuple(
            row.pk
            for row in [*world.categories, world.company.category.parent]
            if row is not None and asked.category in {row.pk, row.parent_id}
        )
    return Slice(
        sight=Sight(asked.market, world.company.supervisor, teams=teams),
        start=asked.start,
        end=asked.end,
        team=asked.team,
        location=asked.location,
        categories=under,
        channel=asked.channel,
        staff=asked.staff,
    )


def said(board: Board) -> dict[naive.Key, int]:
    """The figures of the board that are not zero, by agent."""
    return {
        (None if staff == NOBODY else staff, name): value
        for staff, agent in board.issuance.agents.items()
        for name in NAMES
        if (value := getattr(agent.figures, name))
    }


@pytest.fixture(scope="module", params=[3, 11])
def world(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Any:
    """Drawn once for all questions of this module, and rolled back with it."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world(request.param)
        transaction.set_rollback(True)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("narrow", NARROWS)
def test_the_figures_are_those_of_a_recount(world: World, narrow: str, period: str) -> None:
    start, end = PERIODS[period](world.today)
    asked = naive.Asked(world.company.market, start, end, **NARROWS[narrow](world))
    board = read_board(slice_of(asked, world), None)
    counted = naive.count(asked)
    assert said(board) == counted
    totals = {name: sum(v for (_w, n), v in counted.items() if n == name) for name in NAMES}
    assert {name: getattr(board.totals, name) for name in NAMES} == totals
    assert (board.given.coupons, board.given.redeemed) == naive.coupons(asked)
    assert board.given.repeat == naive.repeat_customers(asked)
    assert board.given.week == naive.week(asked)
    assert sum(board.given.week) == board.totals.issued


@pytest.mark.parametrize("narrow", ["everything", "a supervisor's teams", "a place", "a person"])
def test_peers_are_everybody_else_with_the_same_mix(world: World, narrow: str) -> None:
    start, end = PERIODS["a month"](world.today)
    asked = naive.Asked(world.company.market, start, end, **NARROWS[narrow](world))
    board = read_board(slice_of(asked, world), None)
    expected = naive.expected_of_peers(asked)
    with_peers = {key: row.peers for key, row in board.issuance.agents.items() if row.peers}
    assert with_peers
    for staff, peers in with_peers.items():
        assert peers is not None
        assert abs(peers.expected - expected[staff]) <= 1


def test_days_kinds_and_reasons_are_parts_of_the_total(world: World) -> None:
    start, end = PERIODS["a month"](world.today)
    asked = naive.Asked(world.company.market, start, end)
    board = read_board(slice_of(asked, world), None)
    assert sum(face for _number, face in board.issuance.days.values()) == board.totals.face
    assert sum(number for number, _face in board.issuance.reasons.values()) == board.totals.issued
    complete(board, board.agents)
    for agent in board.agents:
        assert sum(agent.days) == agent.figures.face
        assert len(agent.days) == (end - start).days


def test_what_a_period_is_compared_by_is_what_it_said_itself(world: World) -> None:
    start, end = PERIODS["a month that is over"](world.today)
    before = slice_of(naive.Asked(world.company.market, start, end), world)
    now = before.during(*PERIODS["a month"](world.today))
    itself, against = read_board(before, None).totals, read_board(now, before).before
    assert against is not None
    for name in ("cases", "issued", "face", "expected", "law", "law_face", "approved"):
        assert getattr(against, name) == getattr(itself, name)


def test_bands_hold_everything_that_is_valid(world: World) -> None:
    start, end = PERIODS["today"](world.today)
    board = read_board(slice_of(naive.Asked(world.company.market, start, end), world), None)
    assert sum(band.number for band in board.left) == sum(band.number for band in board.age)
    assert sum(band.minor for band in board.left) == sum(band.minor for band in board.age) > 0
