"""Writing the rollups of a local date as a recount of its source rows."""

import datetime as dt

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Market

from ..models import RolledDay
from ..rolling_sql import (
    CASE_KEYS,
    CASE_MEASURES,
    CASE_RECOUNT,
    DAYS,
    ISSUANCE_KEYS,
    ISSUANCE_MEASURES,
    ISSUANCE_RECOUNT,
    columns,
)
from ..selectors.rollups import days_between

# The first half of the two-part advisory lock; the second is the market's id.
ROLLING_LOCK = 0x7011


def lock_rolling(market: Market) -> None:
    """One transaction at a time rolls days of a market or builds its reports."""
    if "nightly" not in settings.GUARDS_OFF:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [ROLLING_LOCK, market.pk])


@transaction.atomic
def roll_day(market: Market, date: dt.date) -> None:
    """Rewrites both rollups of a market's local date; a second run changes nothing.

    Under READ COMMITTED each statement after the lock sees what the holder before it committed.
    """
    lock_rolling(market)
    roll_issuance(market, date)
    roll_cases(market, date)
    RolledDay.objects.filter(market=market, date=date).delete()
    RolledDay.objects.create(market=market, date=date)


def roll_issuance(market: Market, date: dt.date) -> None:
    """Rewrites IssuanceDay of a date; the caller holds the lock."""
    _rewrite(
        market, date, "reporting_issuanceday", ISSUANCE_RECOUNT, ISSUANCE_KEYS, ISSUANCE_MEASURES
    )


def roll_cases(market: Market, date: dt.date) -> None:
    """Rewrites CaseDay of a date; the caller holds the lock."""
    _rewrite(market, date, "reporting_caseday", CASE_RECOUNT, CASE_KEYS, CASE_MEASURES)


def _rewrite(
    market: Market,
    date: dt.date,
    table: str,
    recount: str,
    keys: tuple[str, ...],
    measures: tuple[str, ...],
) -> None:
    taken = f"date, {columns(keys)}, {', '.join(measures)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE market_id = %s AND date = %s",  # noqa: S608
            [market.pk, date],
        )
        cursor.execute(
            f"WITH day AS MATERIALIZED ({DAYS}) "  # noqa: S608
            f"INSERT INTO {table} (market_id, {taken}) "
            f"SELECT %(market)s, {taken} FROM ({recount}) recounted",
            {"market": market.pk, **days_between(market, date, date + dt.timedelta(days=1))},
        )
