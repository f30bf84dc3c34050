"""Rolling a day of 20,000 compensations and building its nightly report, with their mails.

A market of five hundred agents with a week of such days behind it, all rolled as at night. The
floor is the least that reads the same day: its compensations grouped once, and the ledger's sums.
Each is measured in a process of its own, so that its memory is its own.
"""

import datetime as dt
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import Market
from common.windows import day_bounds, local_date
from reporting.actions import build_report, roll_day, roll_days
from reporting.models import NightlyReport

from .dashboards import _TOOLS, STATEMENTS, TABLES, _place
from .rebuilding import without_indexes
from .table import Row

A_DAY, DAYS = 20_000, 8
REPORT_SECONDS, AIM_SECONDS, REPORT_MEGABYTES = 30, 10, 300

_LEDGER = """
INSERT INTO compensations_ledgerentry (transaction, event, market_id, compensation_id, account,
    amount_minor, currency, at)
SELECT given.id, moved.event, given.market_id, given.id, moved.account, moved.sign * moved.minor,
    given.currency, moved.at
FROM compensations_compensation given
CROSS JOIN LATERAL (
    VALUES ('issue', 'goodwill_expense', 1, given.face_minor, given.issued_at),
        ('issue', 'outstanding_liability', -1, given.face_minor, given.issued_at)
    UNION ALL
    SELECT * FROM (VALUES
        ('void', 'outstanding_liability', 1, given.face_minor, given.ended_at),
        ('void', 'goodwill_expense', -1, given.face_minor, given.ended_at)
    ) void WHERE given.state = 'voided'
    UNION ALL
    SELECT * FROM (VALUES
        ('redeem', 'outstanding_liability', 1, given.face_minor, given.ended_at),
        ('redeem', 'redemption_clearing', -1, given.face_minor, given.ended_at)
    ) used WHERE given.state = 'settled' AND given.expires_at IS NOT NULL
) moved (event, account, sign, minor, at)
WHERE given.market_id = %(market)s
"""

_MESSAGES = """
INSERT INTO delivery_message (id, market_id, topic, ref, about, channel, language, address_masked,
    state, attempts, attempts_before, created_at, due_at, failure)
SELECT bench_key(issued_at, 'm' || id), market_id, 'compensation.granted', id, incident_id, 'email',
    'es', 'x', 'sent', 1, 0, issued_at, issued_at, ''
FROM compensations_compensation WHERE market_id = %(market)s
"""

_ATTEMPTS = """
INSERT INTO delivery_attempt (message_id, number, provider, outcome, started_at, finished_at,
    provider_reference, error)
SELECT id, 1, 'smtp', CASE WHEN random() < 0.01 THEN 'retry' ELSE 'accepted' END, created_at,
    created_at, '', ''
FROM delivery_message WHERE market_id = %(market)s
"""

_COUNTERS = """
WITH counter AS (
    INSERT INTO compensations_limitcounter (limit_id, subject, starts_on, used)
    SELECT %(limit)s, granted_by_id::text,
        date_trunc('week', issued_at AT TIME ZONE %(zone)s)::date, sum(face_minor)
    FROM compensations_compensation WHERE market_id = %(market)s GROUP BY 2, 3
)
INSERT INTO compensations_limituse (compensation_id, limits, subjects, starts_on, quantities)
SELECT id, ARRAY[%(limit)s::bigint], ARRAY[granted_by_id::text],
    ARRAY[date_trunc('week', issued_at AT TIME ZONE %(zone)s)::date], ARRAY[face_minor]
FROM compensations_compensation WHERE market_id = %(market)s
"""

_FLOOR = """
SELECT granted_by_id, category_id, severity, kind, count(*), sum(face_minor),
    sum(expected_cost_minor)
FROM compensations_compensation
WHERE market_id = %(market)s AND issued_at >= %(starts)s AND issued_at < %(ends)s
GROUP BY 1, 2, 3, 4
"""
_LEDGER_FLOOR = """
SELECT event, currency, sum(amount_minor) FROM compensations_ledgerentry
WHERE market_id = %(market)s AND account = 'outstanding_liability'
    AND at >= %(starts)s AND at < %(ends)s
GROUP BY 1, 2
"""


def _make(a_day: int) -> Market:
    place = _place("NN", a_day * DAYS)
    company = place.company
    limit = company.limit("agent", "week", "amount", 10**12)
    type(limit).objects.update(decided_at=timezone.now() - dt.timedelta(days=60))
    values: dict[str, Any] = {
        **place.values,
        "days": DAYS,
        "limit": limit.pk,
        "zone": company.market.time_zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOOLS)
        with without_indexes(TABLES):
            for statement in STATEMENTS:
                cursor.execute(statement, values)
        for statement in (_LEDGER, _MESSAGES, _ATTEMPTS, _COUNTERS):
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
        for name in ("work_mem", "maintenance_work_mem", "synchronous_commit"):
            cursor.execute(f"RESET {name}")
    today = local_date(timezone.now(), company.market.time_zone)
    roll_days(company.market, today - dt.timedelta(days=DAYS - 1), today)
    return company.market


def _apart(work: Callable[[], Any]) -> tuple[float, int]:
    """Seconds and the most memory, in MB, of `work` in a fresh process with a connection."""

    def run(answers: Any) -> None:
        connection.ensure_connection()
        began = time.perf_counter()
        work()
        taken = time.perf_counter() - began
        answers.put((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))

    connections.close_all()
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    child = context.Process(target=run, args=(answers,))
    child.start()
    found: tuple[float, int] = answers.get(timeout=600)
    child.join()
    return found


def nightly_rows(rounds: int, a_day: int = A_DAY) -> Iterable[Row]:
    """The rollup of a day, and its report built anew, each beside its floor."""
    market = _make(a_day)
    date = local_date(timezone.now(), market.time_zone) - dt.timedelta(days=1)
    starts, ends = day_bounds(date, market.time_zone)
    values: dict[str, Any] = {"market": market.pk, "starts": starts, "ends": ends}

    def read(*statements: str) -> Callable[[], None]:
        def reading() -> None:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement, values)
                    cursor.fetchall()

        return reading

    def build() -> None:
        with transaction.atomic():
            NightlyReport.objects.filter(market=market, date=date).delete()
            build_report(market, date, send=False)

    rolls, builds, floors, both, memory = [], [], [], [], []
    for _round in range(rounds):
        floors.append(_apart(read(_FLOOR))[0])
        rolls.append(_apart(lambda: roll_day(market, date))[0])
        both.append(_apart(read(_FLOOR, _LEDGER_FLOOR))[0])
        taken, most = _apart(build)
        builds.append(taken)
        memory.append(most)
    roll, floor = statistics.median(rolls), statistics.median(floors)
    yield Row(
        f"rollup of a day of {a_day:,} compensations",
        f"{roll:.2f} s",
        f"{floor:.2f} s",
        f"{roll / floor:.1f}",
    )
    built, floor, most = statistics.median(builds), statistics.median(both), max(memory)
    yield Row(
        f"nightly report of a day of {a_day:,}, aim {AIM_SECONDS} s",
        f"{built:.2f} s, {most} MB",
        f"{floor:.2f} s",
        f"{built / floor:.1f}",
        f"{REPORT_SECONDS} s, {REPORT_MEGABYTES} MB",
        built <= REPORT_SECONDS and most <= REPORT_MEGABYTES,
    )
