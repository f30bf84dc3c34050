"""Racing builders of nightly reports and kills in the middle, in real processes.

One report, one mail to each reader, whatever runs beside it. The control takes the lock away and
the constraints with it, and must break that.
"""

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import Market
from audit.models import AuditEvent
from common.windows import day_bounds, local_date
from compensations.reconciliation import differences
from compensations.tests.scenario import Company, build
from delivery.models import Message
from reporting.actions import build_report, reports, run_night
from reporting.models import CaseDay, IssuanceDay, NightlyReport, RolledDay, TrailCursor
from reporting.tests.history import History
from tests.support.race import count, errors, race

pytestmark = [pytest.mark.django_db(transaction=True)]
NIGHTS = 3


@pytest.fixture
def company() -> Company:
    """Three nights that nobody has accounted for."""
    made = build()
    history = History(made)
    for date in nights(made.market):
        start = day_bounds(date, made.market.time_zone)[0]
        for hour in (9, 12, 15):
            moment = start + dt.timedelta(hours=hour)
            history.given(history.case(moment), moment)
    return made


def nights(market: Market) -> list[dt.date]:
    today = local_date(timezone.now(), market.time_zone)
    return [today - dt.timedelta(days=number) for number in range(NIGHTS, 0, -1)]


def assert_each_night_once(company: Company) -> None:
    dates = nights(company.market)
    assert list(NightlyReport.objects.order_by("pk").values_list("date", flat=True)) == dates
    assert set(NightlyReport.objects.values_list("revision", "difference_minor")) == {(1, 0)}
    # The supervisor and two of finance, once a night.
    assert Message.objects.filter(topic="report.nightly").count() == 3 * NIGHTS
    assert AuditEvent.objects.filter(act="report.built").count() == NIGHTS
    assert sum(IssuanceDay.objects.values_list("issued", flat=True)) == 3 * NIGHTS
    assert sum(CaseDay.objects.values_list("cases", flat=True)) == 3 * NIGHTS
    assert RolledDay.objects.filter(date__in=dates).count() == NIGHTS


def work(company: Company) -> Any:
    def night(_number: int) -> int:
        return sum(made.is_new for made in run_night(company.market))

    return night


def test_builders_at_once_make_each_night_once(company: Company) -> None:
    answers = race(work(company), range(8))
    assert errors(answers) == []
    assert sum(value for _kind, value in answers) == NIGHTS
    assert_each_night_once(company)
    digests = set(NightlyReport.objects.values_list("date", "digest"))
    assert errors(race(work(company), range(4))) == []
    assert set(NightlyReport.objects.values_list("date", "digest")) == digests
    assert_each_night_once(company)


@contextmanager
def without_constraints() -> Iterator[None]:
    """Neither one report a date nor one message an id; put back with what broke them gone."""
    unique = {
        "reporting_nightlyreport": "nightly_report_once",
        "reporting_rolledday": "rolled_day_once",
        "reporting_issuanceday": "issuance_day_once",
        "reporting_caseday": "case_day_once",
    }
    with connection.cursor() as cursor:
        kept = {}
        for table, name in unique.items():
            cursor.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name]
            )
            kept[table] = cursor.fetchone()[0]
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table, name in unique.items():
                cursor.execute(f"TRUNCATE {table} CASCADE")
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {kept[table]}")


def builder(market: Market, date: dt.date) -> Any:
    def build_one(_number: int) -> int:
        return build_report(market, date).report.pk

    return build_one


def test_builders_at_once_without_the_guards(company: Company) -> None:
    # There already, as on every night but the first: making it would make them wait as well.
    TrailCursor.objects.create(market=company.market, seen_txid=0)
    made = 0
    with without_constraints():
        # On a busy machine the first of them may be done before the others begin: another night.
        for date in nights(company.market):
            answers = race(builder(company.market, date), range(8), guards_off=["nightly"])
            assert count(answers, "ok") >= 1
            made = NightlyReport.objects.filter(date=date).count()
            if made > 1:
                break
        assert made > 1, "the race must be one that can be lost"
        assert Message.objects.filter(topic="report.nightly").count() > 3


@pytest.mark.parametrize("where", ["rolled", "mailed"])
def test_a_kill_in_the_middle_leaves_nothing_half_done(company: Company, where: str) -> None:
    def killed() -> None:
        def kill(*_args: Any, **_more: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        # After the rollup is written, or after the mails are queued: before the commit.
        name = "day_content" if where == "rolled" else "record"
        setattr(reports, name, kill)
        list(run_night(company.market))

    connections.close_all()
    child = multiprocessing.get_context("fork").Process(target=killed)
    child.start()
    child.join(timeout=60)
    assert child.exitcode == -signal.SIGKILL
    assert not NightlyReport.objects.exists()
    assert not Message.objects.filter(topic="report.nightly").exists()
    assert not RolledDay.objects.exists()
    assert [made.is_new for made in run_night(company.market)] == [True] * NIGHTS
    assert_each_night_once(company)
    assert all(row.check == "issued compensation has its message" for row in differences())
