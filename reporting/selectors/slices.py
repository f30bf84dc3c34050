"""One part of a market's figures: which days, and which rows of them.

The same part narrows a rollup, a recount of today and the rows behind a number, so that the three
agree. Dates are local dates of the market, `end` exclusive.
"""

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import Market
from common.windows import day_bounds

from ..rolling_sql import DAYS
from . import rollups
from .sight import Sight

# A case that nobody owns is asked for by this instead of a person's id.
NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """`categories` are a category and its sub-reasons; None leaves a side open."""

    sight: Sight
    start: dt.date
    end: dt.date
    team: int | None = None
    location: int | None = None
    categories: tuple[int, ...] | None = None
    channel: str | None = None
    staff: uuid.UUID | None = None
    kinds: tuple[str, ...] | None = None
    severity: str | None = None
    is_statutory: bool | None = None

    @property
    def market(self) -> Market:
        return self.sight.market

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """The UTC moments at which the part begins and ends (exclusive)."""
        zone = self.market.time_zone
        last = self.end - dt.timedelta(days=1)
        return day_bounds(self.start, zone)[0], day_bounds(last, zone)[1]

    def during(self, start: dt.date, end: dt.date) -> "Slice":
        return replace(self, start=start, end=end)

    def of_everybody(self) -> "Slice":
        """The same cases, whoever dealt with them: what a person's figures are held against."""
        whole = replace(self.sight, teams=None, own=False)
        return replace(self, sight=whole, team=None, staff=None)

    def conditions(self, *, cases: bool) -> tuple[list[str], dict[str, Any]]:
        """SQL conditions on the columns that rollups and source rows share, and their values.

        Cases have no kind and no statutory side: those do not narrow them.
        """
        chosen: dict[str, Any] = {
            "team_id": self.team,
            "location_id": self.location,
            "channel": self.channel,
            "severity": self.severity,
        }
        if not cases:
            chosen["is_statutory"] = self.is_statutory
        conditions = [f"{name} = %({name})s" for name, value in chosen.items() if value is not None]
        values = {name: value for name, value in chosen.items() if value is not None}
        if self.categories is not None:
            conditions.append("category_id = ANY(%(categories)s)")
            values["categories"] = list(self.categories)
        if self.kinds is not None and not cases:
            conditions.append("kind = ANY(%(kinds)s)")
            values["kinds"] = list(self.kinds)
        if self.staff == NOBODY:
            conditions.append("staff_id IS NULL")
        elif self.staff is not None:
            conditions.append("staff_id = %(staff)s")
            values["staff"] = self.staff
        if self.sight.own:
            conditions.append("staff_id = %(own)s")
            values["own"] = self.sight.staff.pk
        elif self.sight.teams is not None:
            conditions.append("team_id = ANY(%(seen_teams)s)")
            values["seen_teams"] = list(self.sight.teams)
        return conditions or ["TRUE"], values


@dataclass(frozen=True, slots=True)
class Counting:
    """The beginning of a statement over one of the two rollups, and its values.

    `head` is a WITH clause that names the dates in `rolled` and has counted all other days of the
    slice into `live`, once, however often the statement reads them.
    """

    rollup: rollups.Part
    head: str
    values: dict[str, Any]

    def rows(self, part: Slice, names: str) -> str:
        """A subquery of these columns over the slice: rollups of rolled days, and `live`.

        The slice may be narrower than the one that was counted; its values are of the statement.
        """
        conditions, _values = part.conditions(cases=self.rollup is rollups.CASES)
        where = " AND ".join(conditions)
        return f"""(
            SELECT {names} FROM {self.rollup.table}
            WHERE market_id = %(market)s AND date IN (SELECT date FROM rolled) AND {where}
            UNION ALL SELECT {names} FROM live WHERE {where}
        ) counted"""  # noqa: S608


def counting(part: Slice, *, cases: bool = False, wide: Slice | None = None) -> Counting:
    """Counts the days of a slice that are not rolled, or of `wide`, which contains it."""
    rollup = rollups.CASES if cases else rollups.ISSUANCE
    _conditions, values = part.conditions(cases=cases)
    conditions, _values = (wide or part).conditions(cases=cases)
    # Names and texts of the code; what a person chose is a value.
    head = f"""
        WITH wanted AS MATERIALIZED ({DAYS}),
        touched AS MATERIALIZED (
            SELECT moment FROM ({rollup.touched}) written WHERE moment < %(today)s
        ), rolled AS MATERIALIZED (
            SELECT wanted.date FROM wanted JOIN reporting_rolledday rolled
                ON rolled.market_id = %(market)s AND rolled.date = wanted.date
                AND {rollup.holds}
            WHERE NOT EXISTS (
                SELECT FROM touched
                WHERE touched.moment >= wanted.starts AND touched.moment < wanted.ends)
        ), day AS MATERIALIZED (
            SELECT * FROM wanted WHERE wanted.date NOT IN (SELECT date FROM rolled)
        ), live AS MATERIALIZED (
            SELECT * FROM ({rollup.recount}) recounted WHERE {" AND ".join(conditions)}
        )
    """  # noqa: S608
    return Counting(
        rollup,
        head,
        {
            **values,
            **rollups.trail_values(part.market),
            **rollups.days_between(part.market, part.start, part.end),
        },
    )
