"""Sums over days of a market: what was rolled, and the rest counted from the rows themselves.

Each function is one statement, so that a number never mixes two moments: a day is read from its
rollup, or recounted where it is not rolled or was written into since (today, and late corrections).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Location, Market, Staff, Team
from common.windows import day_bounds, local_date
from incidents.models import Category

from ..rolling_sql import (
    CASE_KEYS,
    CASE_MEASURES,
    CASE_RECOUNT,
    DAYS,
    ISSUANCE_KEYS,
    ISSUANCE_MEASURES,
    ISSUANCE_RECOUNT,
    TOUCHED_CASES,
    TOUCHED_ISSUANCE,
    column,
    columns,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which part of a market's days: local dates from `start` until before `end`.

    A category holds its sub-reasons. None leaves a side open; rows without a team, place or owner
    match no filter of that side.
    """

    market: Market
    start: dt.date
    end: dt.date
    team: Team | None = None
    location: Location | None = None
    category: Category | None = None
    channel: str | None = None
    staff: Staff | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One of the two rollups: its table, how it is counted, and what makes a rolled day stale.

    `holds` is the SQL condition under which a day `rolled` still says what a recount would, as far
    as its own row knows.
    """

    table: str
    recount: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    touched: str
    stale: str
    holds: str


ISSUANCE = Part(
    "reporting_issuanceday",
    ISSUANCE_RECOUNT,
    ISSUANCE_KEYS,
    ISSUANCE_MEASURES,
    TOUCHED_ISSUANCE,
    "issuance_stale",
    "NOT rolled.issuance_stale",
)
CASES = Part(
    "reporting_caseday",
    CASE_RECOUNT,
    CASE_KEYS,
    CASE_MEASURES,
    TOUCHED_CASES,
    "cases_stale",
    "NOT rolled.cases_stale AND (rolled.clock_at IS NULL OR rolled.clock_at > %(now)s)",
)


def issuance_rows(filters: Filters, by: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every measure of IssuanceDay summed by any of `date` and ISSUANCE_KEYS.

    A row holds its keys under those names (`staff` is an id) and the measures as integers, amounts
    in minor units of the market's currency; rows are sorted by key. Without keys, one row.
    Raises KeyError for another key.
    """
    return _rows(filters, by, ISSUANCE)


def case_rows(filters: Filters, by: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The same over CaseDay, by any of `date` and CASE_KEYS; `kind` does not narrow cases."""
    return _rows(filters, by, CASES)


def days_between(market: Market, start: dt.date, end: dt.date) -> dict[str, list[Any]]:
    """The local dates from `start` until before `end` with their bounds, for DAYS."""
    dates = [start + dt.timedelta(days=number) for number in range((end - start).days)]
    bounds = [day_bounds(date, market.time_zone) for date in dates]
    return {
        "dates": dates,
        "starts": [begin for begin, _end in bounds],
        "ends": [end for _begin, end in bounds],
    }


def trail_values(market: Market) -> dict[str, Any]:
    """What TOUCHED_CASES and TOUCHED_ISSUANCE ask for, this moment, and when today began."""
    now = timezone.now()
    today = local_date(now, market.time_zone)
    return {
        "market": market.pk,
        "code": market.code,
        "now": now,
        "today": day_bounds(today, market.time_zone)[0],
    }


def _rows(filters: Filters, by: Sequence[str], part: Part) -> list[dict[str, Any]]:
    keys, measures = part.keys, part.measures
    allowed = {"date": "date", **{key: column(key) for key in keys}}
    grouping = [allowed[key] for key in by]
    values: dict[str, Any] = {
        **trail_values(filters.market),
        **days_between(filters.market, filters.start, filters.end),
    }
    where = " AND ".join(["TRUE", *_conditions(filters, keys, values)])
    sums = ", ".join(f"COALESCE(sum({measure}), 0)::bigint" for measure in measures)
    taken = f"date, {columns(keys)}, {', '.join(measures)}"
    # Names of columns and texts of the code; whatever a person chose is a value.
    statement = f"""
        WITH wanted AS MATERIALIZED ({DAYS}),
        touched AS MATERIALIZED (
            SELECT moment FROM ({part.touched}) written WHERE moment < %(today)s
        ), rolled AS MATERIALIZED (
            SELECT wanted.date FROM wanted JOIN reporting_rolledday rolled
                ON rolled.market_id = %(market)s AND rolled.date = wanted.date
                AND {part.holds}
            WHERE NOT EXISTS (
                SELECT FROM touched
                WHERE touched.moment >= wanted.starts AND touched.moment < wanted.ends)
        ), day AS MATERIALIZED (
            SELECT * FROM wanted WHERE wanted.date NOT IN (SELECT date FROM rolled)
        )
        SELECT {", ".join([*grouping, sums])} FROM (
            SELECT {taken} FROM {part.table}
            WHERE market_id = %(market)s AND date IN (SELECT date FROM rolled) AND {where}
            UNION ALL
            SELECT {taken} FROM ({part.recount}) live WHERE {where}
        ) counted
        {"GROUP BY " + ", ".join(grouping) + " ORDER BY " + ", ".join(grouping) if by else ""}
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [*by, *measures]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _conditions(filters: Filters, keys: tuple[str, ...], values: dict[str, Any]) -> list[str]:
    """One condition for each chosen side; their values join `values`."""
    chosen = {
        "team": filters.team and filters.team.pk,
        "location": filters.location and filters.location.pk,
        "staff": filters.staff and filters.staff.pk,
        "channel": filters.channel,
        "kind": filters.kind if "kind" in keys else None,
    }
    conditions = []
    for key, value in chosen.items():
        if value is not None:
            values[f"only_{key}"] = value
            conditions.append(f"{column(key)} = %(only_{key})s")
    if filters.category is not None:
        values["only_category"] = filters.category.pk
        conditions.append(
            "category_id IN (SELECT id FROM incidents_category "
            "WHERE id = %(only_category)s OR parent_id = %(only_category)s)"
        )
    return conditions
