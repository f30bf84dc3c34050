"""Everything that the dashboard, its file and its API answer show of one part, read once.

The number of queries is the same whatever there is to show.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from django.utils import timezone

from common.windows import local_date
from incidents.models import Category

from . import dashboard, given
from .dashboard import Agent, Figures, Issuance
from .given import Band, Given, LimitUse, Waiting
from .slices import Slice

LEAST = Fraction(-(10**18))


@dataclass(slots=True)
class Board:
    """Figures of a part at one moment. `agents` are in the order that was asked for."""

    part: Slice
    at: dt.datetime
    today: dt.date
    issuance: Issuance
    before: Figures | None
    given: Given
    left: list[Band]
    age: list[Band]
    waiting: Waiting
    rolled_until: dt.date | None
    agents: list[Agent]
    categories: dict[int, Category]
    limits: dict[uuid.UUID, LimitUse] = field(default_factory=dict)

    @property
    def totals(self) -> Figures:
        return self.issuance.totals

    @property
    def is_running(self) -> bool:
        """Whether the part's days include today."""
        return self.part.start <= self.today < self.part.end


def _limit_share(board: Board, agent: Agent) -> Fraction:
    use = board.limits.get(agent.staff)
    return (use.share if use else None) or LEAST


def _or_least(value: Fraction | None) -> Fraction:
    return LEAST if value is None else value


SORT_KEYS: dict[str, Callable[[Board, Agent], Any]] = {
    "cases": lambda board, row: row.figures.cases,
    "share": lambda board, row: _or_least(row.figures.share_compensated),
    "value": lambda board, row: row.figures.face,
    "mean": lambda board, row: _or_least(row.figures.mean),
    "peers": lambda board, row: _or_least(row.difference),
    "requests": lambda board, row: row.figures.requested,
    "rejected": lambda board, row: row.figures.rejected,
    "voids": lambda board, row: row.figures.voided,
    "repeat": lambda board, row: row.repeat,
    "limit": _limit_share,
}


def _is_shown(agent: Agent) -> bool:
    """Whether any number of the agent's line is not zero."""
    figures = agent.figures
    return bool(
        figures.cases
        or figures.all_issued
        or figures.requested
        or figures.rejected
        or figures.voided
        or agent.repeat
    )


def read_board(part: Slice, comparison: Slice | None, *, sort: str = "-value") -> Board:
    """The whole of a part, its agents sorted; `sort` is one of SORT_KEYS or `name`, or `-` it."""
    now = timezone.now()
    found = dashboard.issuance(part)
    of_rows = given.given(part)
    left, age = given.ageing(part)
    agents = list(found.agents.values())
    for agent in agents:
        agent.repeat = of_rows.repeat.get(agent.staff, 0)
    agents = [agent for agent in agents if _is_shown(agent)]
    dashboard.add_names(agents)
    board = Board(
        part=part,
        at=now,
        today=local_date(now, part.market.time_zone),
        issuance=found,
        before=dashboard.compared(comparison) if comparison else None,
        given=of_rows,
        left=left,
        age=age,
        waiting=given.waiting(part),
        rolled_until=max(found.rolled, default=None),
        agents=agents,
        categories=dashboard.reason_names(part),
    )
    name = sort.removeprefix("-")
    if name == "limit":
        board.limits = given.limit_use(part, [agent.staff for agent in agents])
    board.agents.sort(key=lambda row: (row.name.casefold(), str(row.staff)))
    if name in SORT_KEYS:
        board.agents.sort(key=lambda row: SORT_KEYS[name](board, row), reverse=sort[0] == "-")
    elif sort[0] == "-":
        board.agents.reverse()
    return board


def complete(board: Board, lines: Sequence[Agent]) -> None:
    """Reads what is shown of these agents alone: course, main reason, use of limits."""
    dashboard.add_course(board.part, board.issuance, lines)
    if not board.limits:
        board.limits = given.limit_use(board.part, [agent.staff for agent in lines])
