"""The figures of one part of a market: totals, agents, days, reasons, and each agent against peers.

Issues are dated by the moment of issue, voids, redemptions and decisions by their own. Amounts are
minor units; goodwill and what is owed by law are never added together.

Against peers is an indirect standardisation. For each cell of the mix, a category and severity, the
mean that all other agents of the market gave in goodwill in the same period and under the same
filters is what one compensation of that cell is expected to be worth:

    expected(agent) = sum over cells of n(agent, cell) * mean(others, cell)
    against peers   = value(agent) / expected(agent) - 1

Cells in which nobody else gave anything are left out of both sides. Peers are the market's, not
the team's alone: a team that is generous as a whole would otherwise look like the norm.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from django.db import connection

from accounts.models import Staff
from incidents.models import Category

from ..figures import ratio
from ..rolling_sql import CASE_MEASURES, ISSUANCE_MEASURES
from .slices import NOBODY, Slice, counting

# Fewer cases or grants than this say little about a person.
FEW = 10


@dataclass(slots=True)
class Figures:
    """What happened in a part, or in one agent's share of it."""

    cases: int = 0
    compensated: int = 0
    seconds_to_compensation: int = 0
    resolved: int = 0
    # Past a clock; settled with every clock met; open with time left. Others have no clock.
    breached: int = 0
    met: int = 0
    running: int = 0
    imported: int = 0
    imported_compensated: int = 0
    # Goodwill.
    issued: int = 0
    face: int = 0
    expected: int = 0
    # Owed by law.
    law: int = 0
    law_face: int = 0
    law_expected: int = 0
    # Of all that was issued.
    approved: int = 0
    reissued: int = 0
    voided: int = 0
    voided_face: int = 0
    redeemed: int = 0
    redeemed_value: int = 0
    reversed: int = 0
    reversed_value: int = 0
    expired: int = 0
    expired_value: int = 0
    requested: int = 0
    requested_face: int = 0
    rejected: int = 0
    withdrawn: int = 0
    lapsed: int = 0

    def add_issuance(self, row: dict[str, Any]) -> None:
        """Adds one sum over IssuanceDay, all of it statutory or none."""
        if row["is_statutory"]:
            self.law += row["issued"]
            self.law_face += row["issued_face"]
            self.law_expected += row["issued_expected"]
        else:
            self.issued += row["issued"]
            self.face += row["issued_face"]
            self.expected += row["issued_expected"]
        for name in _AS_COUNTED:
            setattr(self, name, getattr(self, name) + row[name])

    def add_cases(self, row: dict[str, Any]) -> None:
        for name in CASE_MEASURES:
            setattr(self, name, getattr(self, name) + row[name])

    @property
    def all_issued(self) -> int:
        return self.issued + self.law

    @property
    def direct(self) -> int:
        """Issued inside the scale and every limit, without a second person."""
        return self.all_issued - self.approved

    @property
    def within_scale(self) -> Fraction | None:
        return ratio(self.direct, self.all_issued)

    @property
    def share_compensated(self) -> Fraction | None:
        return ratio(self.compensated, self.cases)

    @property
    def mean(self) -> Fraction | None:
        """Goodwill face value of one compensation."""
        return ratio(self.face, self.issued)

    @property
    def mean_seconds(self) -> Fraction | None:
        """From logging to the first compensation, over the cases with clocks that got one."""
        return ratio(self.seconds_to_compensation, self.compensated - self.imported_compensated)

    @property
    def logged_here(self) -> int:
        """Without what files brought: the cases that have clocks."""
        return self.cases - self.imported

    @property
    def clocks_met(self) -> Fraction | None:
        """Of the cases whose clocks have been decided one way or the other."""
        return ratio(self.met, self.met + self.breached)


_AS_COUNTED = tuple(name for name in ISSUANCE_MEASURES if not name.startswith("issued"))


@dataclass(frozen=True, slots=True)
class Peers:
    """One agent's goodwill against what the same mix was worth elsewhere; see the module's text.

    `expected` is rounded to a minor unit; `others` counts what the peers gave in the same cells.
    """

    number: int
    face: int
    expected: int
    others: int

    @property
    def difference(self) -> Fraction | None:
        """None where there is too little on either side to say anything."""
        if min(self.number, self.others) < FEW or not self.expected:
            return None
        return Fraction(self.face, self.expected) - 1


@dataclass(slots=True)
class Agent:
    """One line of the table. What stands in the lower half is read for the lines shown alone."""

    staff: uuid.UUID
    name: str = ""
    team: str = ""
    figures: Figures = field(default_factory=Figures)
    peers: Peers | None = None
    repeat: int = 0
    # Goodwill face value a day, and the category that most of it went to, with its part.
    days: Sequence[int] = ()
    reason: int | None = None
    reason_share: Fraction | None = None

    @property
    def few(self) -> bool:
        return max(self.figures.cases, self.figures.all_issued) < FEW

    @property
    def difference(self) -> Fraction | None:
        return self.peers.difference if self.peers else None


@dataclass(slots=True)
class Issuance:
    """Everything that the rollups of a part say."""

    totals: Figures
    agents: dict[uuid.UUID, Agent]
    # Goodwill (count, face) by date and kind, and by category.
    days: dict[tuple[dt.date, str], tuple[int, int]] = field(default_factory=dict)
    reasons: dict[int, tuple[int, int]] = field(default_factory=dict)
    # The dates that were read from their rollups; and of the others, by agent: date, category,
    # count and face.
    rolled: list[dt.date] = field(default_factory=list)
    live: dict[uuid.UUID, list[tuple[dt.date, int, int, int]]] = field(default_factory=dict)

    def agent(self, staff: uuid.UUID | None) -> Agent:
        return self.agents.setdefault(staff or NOBODY, Agent(staff or NOBODY))


def _sums(measures: Sequence[str]) -> str:
    return ", ".join(f"COALESCE(sum({name}), 0)::bigint" for name in measures)


_ZEROS = ", ".join(["0"] * (len(ISSUANCE_MEASURES) - 2))
# Rows of five kinds with one shape: what, agent, date, kind, category, statutory, the measures.
_ISSUANCE = """
{head}
SELECT 'agent', staff_id, NULL::date, NULL::text, NULL::bigint, is_statutory, {sums}
FROM {agents} GROUP BY staff_id, is_statutory
UNION ALL
SELECT what, NULL, date, kind, category_id, FALSE, number::bigint, face::bigint, {zeros}
FROM given WHERE what <> 'cell'
UNION ALL
SELECT 'live', staff_id, date, NULL, category_id, FALSE, sum(issued)::bigint,
    sum(issued_face)::bigint, {zeros}
FROM live WHERE issued > 0 AND NOT is_statutory AND {where} GROUP BY staff_id, date, category_id
UNION ALL
SELECT 'rolled', NULL, date, NULL, NULL, FALSE, 0, 0, {zeros} FROM rolled
UNION ALL
SELECT 'peers', cell.staff_id, NULL, NULL, NULL, FALSE, sum(cell.number)::bigint,
    sum(cell.face)::bigint,
    round(sum(cell.number * (whole.face - cell.face) / (whole.number - cell.number)))::bigint,
    sum(whole.number - cell.number)::bigint, {fewer_zeros}
FROM cell JOIN whole USING (category_id, severity)
WHERE whole.number > cell.number
GROUP BY cell.staff_id
"""
# Goodwill by day and kind, by category, and by the cells of the mix. The cells are everybody's:
# where the slice is everybody's too, one reading of the rows gives all three.
_SETS = """
, given AS MATERIALIZED (
    SELECT CASE WHEN GROUPING(date) = 0 THEN 'day' WHEN GROUPING(severity) = 0 THEN 'cell'
                ELSE 'reason' END AS what,
        staff_id, date, kind, category_id, severity, sum(issued) AS number, sum(issued_face) AS face
    FROM {given} WHERE issued > 0 AND NOT is_statutory
    GROUP BY GROUPING SETS ((date, kind), (category_id), (staff_id, category_id, severity))
), cell AS MATERIALIZED ({cells}), whole AS MATERIALIZED (
    SELECT category_id, severity, sum(number) AS number, sum(face) AS face FROM cell GROUP BY 1, 2
)
"""
_OWN_CELLS = "SELECT * FROM given WHERE what = 'cell'"
_CELLS = """
    SELECT staff_id, category_id, severity, sum(issued) AS number, sum(issued_face) AS face
    FROM {everybody} WHERE issued > 0 AND NOT is_statutory GROUP BY 1, 2, 3
"""
_GIVEN = "staff_id, date, kind, category_id, severity, is_statutory, issued, issued_face"

# What a period is compared by.
_COMPARED = ("issued", "issued_face", "issued_expected", "approved")

_COURSE = """
SELECT staff_id, date, category_id, sum(issued)::bigint, sum(issued_face)::bigint
FROM reporting_issuanceday
WHERE market_id = %(market)s AND staff_id = ANY(%(shown)s) AND date = ANY(%(rolled)s)
    AND issued > 0 AND NOT is_statutory AND {where}
GROUP BY GROUPING SETS ((staff_id, date), (staff_id, category_id))
"""


def _run(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def issuance(part: Slice) -> Issuance:
    """Totals, agents, days, reasons and peers: one statement over issues, one over cases."""
    everybody = part.of_everybody()
    counted = counting(part, wide=everybody)
    conditions, _values = part.conditions(cases=False)
    cells = _OWN_CELLS
    if part != everybody:
        cells = _CELLS.format(everybody=counted.rows(everybody, _GIVEN))
    statement = _ISSUANCE.format(
        head=counted.head + _SETS.format(given=counted.rows(part, _GIVEN), cells=cells),
        agents=counted.rows(part, f"staff_id, is_statutory, {', '.join(ISSUANCE_MEASURES)}"),
        sums=_sums(ISSUANCE_MEASURES),
        where=" AND ".join(conditions),
        zeros=_ZEROS,
        fewer_zeros=", ".join(["0"] * (len(ISSUANCE_MEASURES) - 4)),
    )
    found = Issuance(Figures(), {})
    peers: dict[uuid.UUID, Peers] = {}
    for what, staff, date, kind, category, is_statutory, *sums in _run(statement, counted.values):
        if what == "agent":
            row = dict(zip(ISSUANCE_MEASURES, sums, strict=True), is_statutory=is_statutory)
            found.totals.add_issuance(row)
            found.agent(staff).figures.add_issuance(row)
        elif what == "day":
            found.days[date, kind] = sums[0], sums[1]
        elif what == "reason":
            found.reasons[category] = sums[0], sums[1]
        elif what == "live":
            found.live.setdefault(staff, []).append((date, category, sums[0], sums[1]))
        elif what == "rolled":
            found.rolled.append(date)
        else:
            peers[staff] = Peers(*sums[:4])
    _add_cases(part, found)
    for key, agent in found.agents.items():
        agent.peers = peers.get(key)
    return found


def _add_cases(part: Slice, found: Issuance) -> None:
    counted = counting(part, cases=True)
    names = f"staff_id, {', '.join(CASE_MEASURES)}"
    statement = (
        f"{counted.head} SELECT staff_id, {_sums(CASE_MEASURES)} "  # noqa: S608
        f"FROM {counted.rows(part, names)} GROUP BY staff_id"
    )
    for staff, *sums in _run(statement, counted.values):
        row = dict(zip(CASE_MEASURES, sums, strict=True))
        found.totals.add_cases(row)
        found.agent(staff).figures.add_cases(row)


def compared(part: Slice) -> Figures:
    """What a period is compared by, and nothing else of it."""
    found = Figures()
    counted = counting(part)
    names = ", ".join(("is_statutory", *_COMPARED))
    statement = (
        f"{counted.head} SELECT is_statutory, {_sums(_COMPARED)} "  # noqa: S608
        f"FROM {counted.rows(part, names)} WHERE issued > 0 GROUP BY is_statutory"
    )
    for is_statutory, *sums in _run(statement, counted.values):
        row = dict.fromkeys(ISSUANCE_MEASURES, 0) | dict(zip(_COMPARED, sums, strict=True))
        found.add_issuance(row | {"is_statutory": is_statutory})
    counted = counting(part, cases=True)
    statement = (
        f"{counted.head} SELECT {_sums(['cases'])} "  # noqa: S608
        f"FROM {counted.rows(part, 'cases')}"
    )
    found.cases = _run(statement, counted.values)[0][0]
    return found


def add_names(agents: Iterable[Agent]) -> None:
    """Name and present team, in one query."""
    rows = list(agents)
    people = {
        key: (name, team or "")
        for key, name, team in Staff.objects.filter(pk__in=[row.staff for row in rows]).values_list(
            "pk", "name", "team__name"
        )
    }
    for row in rows:
        row.name, row.team = people.get(row.staff, ("", ""))


def add_course(part: Slice, found: Issuance, agents: Sequence[Agent]) -> None:
    """What each of the lines shown gave a day, and what for, in one statement."""
    if not agents:
        return
    days: dict[uuid.UUID, dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[uuid.UUID, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for agent in agents:
        for date, category, number, face in found.live.get(agent.staff, ()):
            days[agent.staff][date] += face
            reasons[agent.staff][category] += number
    conditions, values = part.conditions(cases=False)
    values |= {
        "market": part.market.pk,
        "shown": [agent.staff for agent in agents],
        "rolled": found.rolled,
    }
    statement = _COURSE.format(where=" AND ".join(conditions))
    for staff, date, category, number, face in _run(statement, values):
        if date is not None:
            days[staff][date] += face
        else:
            reasons[staff][category] += number
    dates = [part.start + dt.timedelta(days=number) for number in range(part.days)]
    for agent in agents:
        agent.days = [days[agent.staff].get(date, 0) for date in dates]
        mine = reasons[agent.staff]
        if mine:
            agent.reason = max(mine, key=lambda category: (mine[category], -category))
            agent.reason_share = ratio(mine[agent.reason], sum(mine.values()))


def reason_names(part: Slice) -> dict[int, Category]:
    """Every category of the market by id, in use or not, parents loaded."""
    rows = Category.objects.filter(market=part.market).select_related("parent")
    return {row.pk: row for row in rows}
