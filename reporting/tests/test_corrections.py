"""What is written into a rolled day: seen at once, found through the trail, rolled again.

Committed for real, since the order of transactions is what is tested.
"""

import datetime as dt
import multiprocessing
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from audit.tests.support import wait_for_horizon
from common.windows import day_bounds, local_date
from compensations.actions import grant, redeem, void
from compensations.models import Compensation
from compensations.tests.scenario import Company, build, code_of
from incidents.actions import change_incident, resolve_incident
from incidents.models import Incident
from reporting.actions import mark_touched, roll_day, roll_stale
from reporting.models import CaseDay, IssuanceDay, RolledDay
from reporting.selectors.rollups import Filters, case_rows, issuance_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company() -> Company:
    return build()


def yesterday(company: Company) -> dt.date:
    return local_date(timezone.now(), company.market.time_zone) - dt.timedelta(days=1)


def last_minute(company: Company) -> dt.datetime:
    return day_bounds(yesterday(company), company.market.time_zone)[1] - dt.timedelta(minutes=1)


def case_of_yesterday(company: Company) -> Incident:
    case = company.incident()
    Incident.objects.filter(pk=case.pk).update(logged_at=last_minute(company))
    return case


def touched(company: Company) -> int:
    """Reads on in the trail, when the transactions of other tests on this server let it."""
    wait_for_horizon()
    return mark_touched(company.market)


def rolled(company: Company) -> None:
    roll_day(company.market, yesterday(company))
    touched(company)
    roll_stale(company.market)
    assert touched(company) == 0, "everything of the trail is behind"


def told(company: Company, **fields: Any) -> dict[str, int]:
    date = yesterday(company)
    filters = Filters(market=company.market, start=date, end=date + dt.timedelta(days=1), **fields)
    return {**issuance_rows(filters)[0], **case_rows(filters)[0]}


def corrected(company: Company) -> tuple[int, int]:
    """Days marked, and days rolled again."""
    return touched(company), roll_stale(company.market)


def test_a_late_compensation_shows_at_once_and_is_rolled_again(company: Company) -> None:
    case = case_of_yesterday(company)
    rolled(company)
    assert CaseDay.objects.get().compensated == 0
    made = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    assert CaseDay.objects.get().compensated == 0
    assert told(company)["compensated"] == 1, "counted from its rows"
    assert corrected(company) == (1, 1)
    assert CaseDay.objects.get().compensated == 1
    assert corrected(company) == (0, 0)
    # And back: a void takes it away again.
    void(compensation=made, reason="Error", by=company.supervisor)
    assert told(company)["compensated"] == 0
    assert corrected(company) == (1, 1)
    assert told(company)["compensated"] == 0


def test_a_changed_owner_and_category_move_the_case(company: Company) -> None:
    case = case_of_yesterday(company)
    rolled(company)
    change_incident(
        incident=case, version=case.version, by=company.supervisor, owner=company.colleague
    )
    assert told(company, staff=company.colleague)["cases"] == 1
    assert told(company, staff=company.agent)["cases"] == 0
    assert corrected(company) == (1, 1)
    assert CaseDay.objects.get().staff_id == company.colleague.pk


def test_what_happens_today_leaves_yesterday_alone(company: Company) -> None:
    case = case_of_yesterday(company)
    made = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    Compensation.objects.filter(pk=made.pk).update(issued_at=last_minute(company))
    rolled(company)
    assert IssuanceDay.objects.get().issued == 1
    redeem(code=code_of(made), external_transaction_id="1", market=company.market, by=company.till)
    other = company.incident()
    grant(incident=other, offer=company.offers["coupon"], by=company.agent)
    resolve_incident(incident=other, resolution="Listo", by=company.agent)
    touched(company)
    assert not RolledDay.objects.get().cases_stale
    assert told(company)["redeemed"] == 0


def _grant_and_hold(company: Company, case: Incident, begun: Any, go_on: Any) -> None:
    connections.close_all()
    with transaction.atomic():
        made = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
        begun.put(str(made.pk))
        go_on.get(timeout=30)
    connections.close_all()


def test_a_transaction_that_commits_after_the_roll_is_met(company: Company) -> None:
    """A slow one: its rows carry numbers below those of transactions that ended long before."""
    case = case_of_yesterday(company)
    connections.close_all()
    context = multiprocessing.get_context("fork")
    begun, go_on = context.Queue(), context.Queue()
    slow = context.Process(target=_grant_and_hold, args=(company, case, begun, go_on))
    slow.start()
    begun.get(timeout=30)
    # Meanwhile others commit, the day is rolled and the trail is read, twice.
    company.incident()
    roll_day(company.market, yesterday(company))
    mark_touched(company.market)
    company.incident()
    mark_touched(company.market)
    roll_stale(company.market)
    assert told(company)["compensated"] == 0
    go_on.put("")
    slow.join(timeout=30)
    assert slow.exitcode == 0
    assert told(company)["compensated"] == 1
    assert corrected(company) == (1, 1)
    assert CaseDay.objects.get().compensated == 1
