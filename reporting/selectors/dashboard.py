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
from .slices import NOBODY, Slice, counted

# Fewer cases or grants than this say little about a person.
FEW = 10


@dataclass(slots=True)
class Figures:
    """What happened in a part, or in one agent's share of it."""

    cases: int = 0
    compensated: int = 0
    seconds_to_compensation: int = 0
    resolved: int = 0
    breached: int = 0
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
        """From logging to the first compensation, over the cases that got one."""
        return ratio(self.seconds_to_compensation, self.compensated)

    @property
    def on_time(self) -> int:
        return self.cases - self.breached

    @property
    def clocks_met(self) -> Fraction | None:
        return ratio(self.on_time, self.cases)


_AS_COUNTED = tuple(name for name in ISSUANCE_MEASURES if not name.startswith("issued"))


@dataclass(frozen=True, slots=True)
class Peers:
    """One agent's goodwill against what the same mix was worth elsewhere; see the module's text."""

    number: int
    face: int
    expected: Fraction
    others: int

    @property
    def difference(self) -> Fraction | None:
        """None where there is too little on either side to say anything."""
        if min(self.number, self.others) < FEW or not self.expected:
            return None
        return self.face / self.expected - 1


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
    days: dict[tuple[dt.date, str], tuple[int, int]]
    reasons: dict[int, tuple[int, int]]


_SUMS = ", ".join(f"COALESCE(sum({name}), 0)::bigint" for name in ISSUANCE_MEASURES)
_CASE_SUMS = ", ".join(f"COALESCE(sum({name}), 0)::bigint" for name in CASE_MEASURES)

_ISSUANCE = f"""
SELECT CASE WHEN GROUPING(staff_id) = 0 THEN 'agent' WHEN GROUPING(date) = 0 THEN 'day'
            ELSE 'reason' END,
    staff_id, date, kind, category_id, is_statutory, {_SUMS}
FROM counted
GROUP BY GROUPING SETS ((staff_id, is_statutory), (date, kind, is_statutory),
    (category_id, is_statutory))
"""  # noqa: S608

_TOTALS = f"SELECT is_statutory, {_SUMS} FROM counted GROUP BY 1"  # noqa: S608
_CASES = f"SELECT staff_id, {_CASE_SUMS} FROM counted GROUP BY 1"  # noqa: S608

_PEERS = """
, cell AS (
    SELECT staff_id, category_id, severity, sum(issued) AS number, sum(issued_face) AS face
    FROM counted WHERE NOT is_statutory GROUP BY 1, 2, 3 HAVING sum(issued) > 0
), whole AS (
    SELECT category_id, severity, sum(number) AS number, sum(face) AS face FROM cell GROUP BY 1, 2
)
SELECT cell.staff_id, sum(cell.number)::bigint, sum(cell.face)::bigint,
    sum(cell.number * (whole.face - cell.face) / (whole.number - cell.number)),
    sum(whole.number - cell.number)::bigint
FROM cell JOIN whole USING (category_id, severity)
WHERE whole.number > cell.number
GROUP BY 1
"""

_SHOWN = """
SELECT staff_id, date, category_id, COALESCE(sum(issued), 0)::bigint,
    COALESCE(sum(issued_face), 0)::bigint
FROM counted WHERE NOT is_statutory AND issued > 0 AND staff_id = ANY(%(shown)s)
GROUP BY GROUPING SETS ((staff_id, date), (staff_id, category_id))
"""


def _run(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def issuance(part: Slice) -> Issuance:
    """Totals, agents, days and reasons of a part: one statement over issues, one over cases."""
    found = Issuance(Figures(), {}, defaultdict(lambda: (0, 0)), defaultdict(lambda: (0, 0)))
    with_counted, values = counted(part)
    for what, staff, date, kind, category, is_statutory, *sums in _run(
        with_counted + _ISSUANCE, values
    ):
        row = dict(zip(ISSUANCE_MEASURES, sums, strict=True), is_statutory=is_statutory)
        if what == "agent":
            found.totals.add_issuance(row)
            _agent(found, staff).figures.add_issuance(row)
        elif is_statutory or not row["issued"]:
            continue
        elif what == "day":
            found.days[date, kind] = row["issued"], row["issued_face"]
        else:
            found.reasons[category] = row["issued"], row["issued_face"]
    with_counted, values = counted(part, cases=True)
    for staff, *sums in _run(with_counted + _CASES, values):
        row = dict(zip(CASE_MEASURES, sums, strict=True))
        found.totals.add_cases(row)
        _agent(found, staff or NOBODY).figures.add_cases(row)
    return found


def _agent(found: Issuance, staff: uuid.UUID) -> Agent:
    return found.agents.setdefault(staff, Agent(staff))


def totals(part: Slice) -> Figures:
    """The totals alone, for a period to compare with."""
    found = Figures()
    with_counted, values = counted(part)
    for is_statutory, *sums in _run(with_counted + _TOTALS, values):
        row = dict(zip(ISSUANCE_MEASURES, sums, strict=True), is_statutory=is_statutory)
        found.add_issuance(row)
    with_counted, values = counted(part, cases=True)
    for _staff, *sums in _run(with_counted + _CASES, values):
        found.add_cases(dict(zip(CASE_MEASURES, sums, strict=True)))
    return found


def against_peers(part: Slice) -> dict[uuid.UUID, Peers]:
    """Every agent of the market against the others, whatever part of it is looked at."""
    with_counted, values = counted(part.of_everybody())
    return {
        staff: Peers(number, face, Fraction(expected), others)
        for staff, number, face, expected, others in _run(with_counted + _PEERS, values)
    }


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


def add_course(part: Slice, agents: Sequence[Agent]) -> None:
    """What each of the lines shown gave a day, and what for, in one statement."""
    if not agents:
        return
    with_counted, values = counted(part)
    values["shown"] = [row.staff for row in agents]
    days: dict[uuid.UUID, dict[dt.date, int]] = defaultdict(dict)
    reasons: dict[uuid.UUID, list[tuple[int, int]]] = defaultdict(list)
    for staff, date, category, number, face in _run(with_counted + _SHOWN, values):
        if date is not None:
            days[staff][date] = face
        else:
            reasons[staff].append((number, category))
    dates = [part.start + dt.timedelta(days=number) for number in range(part.days)]
    for row in agents:
        row.days = [days[row.staff].get(date, 0) for date in dates]
        if reasons[row.staff]:
            number, row.reason = max(reasons[row.staff], key=lambda pair: (pair[0], -pair[1]))
            row.reason_share = ratio(number, sum(pair[0] for pair in reasons[row.staff]))


def reason_names(part: Slice) -> dict[int, Category]:
    """Every category of the market by id, in use or not, parents loaded."""
    rows = Category.objects.filter(market=part.market).select_related("parent")
    return {row.pk: row for row in rows}


def freshness(part: Slice) -> dt.date | None:
    """The last local date of the part that is read from its rollup; None where none is."""
    found = _run(
        "SELECT max(date) FROM reporting_rolledday "
        "WHERE market_id = %(market)s AND date >= %(start)s AND date < %(end)s",
        {"market": part.market.pk, "start": part.start, "end": part.end},
    )
    date: dt.date | None = found[0][0]
    return date
