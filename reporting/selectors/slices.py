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

from ..rolling_sql import DAYS, columns
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


def counted(part: Slice, *, cases: bool = False) -> tuple[str, dict[str, Any]]:
    """`WITH ..., counted AS (...)` over the rollups of rolled days and a recount of the others.

    `counted` has the columns of IssuanceDay (or CaseDay) without the market. The values belong to
    the statement that goes on from here.
    """
    rollup = rollups.CASES if cases else rollups.ISSUANCE
    conditions, values = part.conditions(cases=cases)
    where = " AND ".join(conditions)
    taken = f"date, {columns(rollup.keys)}, {', '.join(rollup.measures)}"
    # Names and texts of the code; what a person chose is a value.
    statement = f"""
        WITH wanted AS MATERIALIZED ({DAYS}),
        touched AS MATERIALIZED (
            SELECT moment FROM ({rollup.touched}) written WHERE moment < %(today)s
        ), rolled AS MATERIALIZED (
            SELECT wanted.date FROM wanted JOIN reporting_rolledday rolled
                ON rolled.market_id = %(market)s AND rolled.date = wanted.date
                AND NOT rolled.{rollup.stale}
            WHERE NOT EXISTS (
                SELECT FROM touched
                WHERE touched.moment >= wanted.starts AND touched.moment < wanted.ends)
        ), day AS MATERIALIZED (
            SELECT * FROM wanted WHERE wanted.date NOT IN (SELECT date FROM rolled)
        ), counted AS (
            SELECT {taken} FROM {rollup.table}
            WHERE market_id = %(market)s AND date IN (SELECT date FROM rolled) AND {where}
            UNION ALL
            SELECT {taken} FROM ({rollup.recount}) live WHERE {where}
        )
    """  # noqa: S608
    return statement, {
        **values,
        **rollups.trail_values(part.market),
        **rollups.days_between(part.market, part.start, part.end),
    }
