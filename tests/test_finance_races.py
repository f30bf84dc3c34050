"""Races of the stop switch and of limits against grants and beside themselves, with their controls.

A grant under way when the switch is thrown, or when a limit changes, counts wholly before it or
wholly after it. The controls take the rules' lock away, or let the one limit in force be two.
"""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from compensations.actions import (
    confirm_limit,
    grant,
    propose_limit,
    resume_issuance,
    stop_issuance,
)
from compensations.models import Compensation, IssuanceLimit, LimitCounter
from compensations.reconciliation import differences
from compensations.refusals import LimitExceeded
from compensations.states import LimitScope, LimitWindow, Measure
from compensations.stops import history
from compensations.tests.scenario import Company, build
from incidents.models import Incident
from tests.support.race import Answers, count, errors, race

pytestmark = [pytest.mark.django_db(transaction=True)]
RACERS = 12
# Long enough for a grant that has read the rules to be overtaken while it is under way.
SLOW_GRANTS = """
CREATE FUNCTION test_slow_grant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$;
CREATE TRIGGER test_slow_grant BEFORE INSERT ON compensations_compensation
    FOR EACH ROW EXECUTE FUNCTION test_slow_grant();
"""
QUICK_GRANTS = """
DROP TRIGGER test_slow_grant ON compensations_compensation;
DROP FUNCTION test_slow_grant();
"""


@pytest.fixture
def company() -> Company:
    return build()


@pytest.fixture
def slow_grants() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(SLOW_GRANTS)
    yield
    with connection.cursor() as cursor:
        cursor.execute(QUICK_GRANTS)


def _grant_or(
    company: Company, incidents: list[Incident], other: Callable[[], object]
) -> Callable[[int], str]:
    """The first racer does `other` in the middle of the others' grants."""

    def work(number: int) -> str:
        if number:
            made = grant(
                incident=incidents[number],
                offer=company.offers["coupon"],
                amount_minor=100_00,
                by=company.agent if number % 2 else company.colleague,
            )
            return str(made.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        return str(other())

    return work


def _stop(company: Company) -> Callable[[], str]:
    """Stops, and counts what is committed from then on."""

    def stop() -> str:
        stop_issuance(market=company.market, reason="Códigos filtrados", by=company.elena)
        return str(Compensation.objects.count())

    return stop


def _counted_at(answers: Answers) -> int:
    """How many grants had been committed when the other act was."""
    return int(next(value for kind, value in answers if kind == "ok" and value.isdigit()))


@pytest.mark.usefixtures("slow_grants")
def test_no_grant_commits_after_the_stop(company: Company) -> None:
    incidents = [company.incident() for _ in range(RACERS)]
    answers = race(_grant_or(company, incidents, _stop(company)), range(RACERS))
    assert errors(answers) == []
    refused = {value for kind, value in answers if kind == "refused"}
    assert refused <= {"issuance_stopped"}
    made = Compensation.objects.count()
    assert made == count(answers, "ok") - 1
    assert _counted_at(answers) == made
    assert list(differences()) == []


@pytest.mark.usefixtures("slow_grants")
def test_a_grant_commits_after_the_stop_without_the_lock(company: Company) -> None:
    incidents = [company.incident() for _ in range(RACERS)]
    answers = race(
        _grant_or(company, incidents, _stop(company)),
        range(RACERS),
        guards_off=["rules"],
    )
    assert errors(answers) == []
    made = Compensation.objects.count()
    assert _counted_at(answers) < made


def _own_limit(company: Company, cap: int = 600_00) -> IssuanceLimit:
    return propose_limit(
        market=company.market,
        scope=LimitScope.AGENT,
        window=LimitWindow.DAY,
        measure=Measure.AMOUNT,
        cap=cap,
        reason="Temporada alta",
        for_staff=company.agent,
        by=company.supervisor,
    )


def _low_limit_amid_grants(company: Company, guards_off: list[str]) -> tuple[int, int]:
    """How many grants a person had when a limit of two began, and how many in the end."""
    company.limit("agent", "day", "amount", 1_000_00)
    own = _own_limit(company, cap=200_00)
    theirs = Compensation.objects.filter(granted_by=company.agent)

    def begin() -> str:
        confirm_limit(limit=own, by=company.elena)
        return str(theirs.count())

    incidents = [company.incident() for _ in range(RACERS)]
    answers = race(_grant_or(company, incidents, begin), range(RACERS), guards_off=guards_off)
    assert errors(answers) == []
    return _counted_at(answers), theirs.count()


@pytest.mark.usefixtures("slow_grants")
def test_a_limit_that_begins_in_the_middle_of_grants(company: Company) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    own = _own_limit(company)
    incidents = [company.incident() for _ in range(RACERS)]
    answers = race(
        _grant_or(company, incidents, lambda: confirm_limit(limit=own, by=company.elena)),
        range(RACERS),
    )
    assert errors(answers) == []
    assert {value for kind, value in answers if kind == "refused"} <= {"limit_exceeded"}
    given = Compensation.objects.filter(granted_by=company.agent).count() * 100_00
    assert given > 0
    assert LimitCounter.objects.get(subject=str(company.agent.pk)).used == given
    assert list(differences()) == []


@pytest.mark.usefixtures("slow_grants")
def test_no_grant_passes_a_limit_that_has_begun(company: Company) -> None:
    before, made = _low_limit_amid_grants(company, [])
    assert made <= max(before, 2)
    with pytest.raises(LimitExceeded):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


@pytest.mark.usefixtures("slow_grants")
def test_a_grant_passes_a_limit_that_has_begun_without_the_lock(company: Company) -> None:
    before, made = _low_limit_amid_grants(company, ["rules"])
    assert made > max(before, 2)


def _confirm(company: Company, limit: IssuanceLimit) -> Callable[[int], str]:
    def work(number: int) -> str:
        by = company.elena if number % 2 else company.hugo
        return str(confirm_limit(limit=limit, by=by).pk)

    return work


def test_two_confirmers_at_once_count_as_one(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    own = _own_limit(company)
    answers = race(_confirm(company, own), range(12))
    assert errors(answers) == []
    assert count(answers, "ok") == 1
    assert {value for kind, value in answers if kind == "refused"} == {"transition_refused"}
    assert LimitCounter.objects.get().used == 200_00
    assert IssuanceLimit.objects.filter(for_staff=company.agent, state="in_force").count() == 1
    assert list(differences()) == []


def test_two_proposals_for_one_limit_put_one_in_force(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    rows = [
        propose_limit(
            market=company.market,
            scope=LimitScope.AGENT,
            window=LimitWindow.DAY,
            measure=Measure.AMOUNT,
            cap=400_00 + number,
            reason="Temporada alta",
            by=company.hugo,
        )
        for number in range(8)
    ]
    answers = race(
        lambda number: str(confirm_limit(limit=rows[number], by=company.elena).pk), range(8)
    )
    assert errors(answers) == []
    assert count(answers, "ok") == 1
    assert {value for kind, value in answers if kind == "refused"} == {"limit_changed"}
    assert IssuanceLimit.objects.filter(state="in_force").count() == 1


def test_two_switches_at_once_leave_one_row_each(company: Company) -> None:
    def work(number: int) -> str:
        act = stop_issuance if number % 2 else resume_issuance
        act(market=company.market, reason="carrera", by=company.elena)
        return act.__name__

    answers = race(work, range(12))
    assert errors(answers) == []
    rows = [row.act for row in history(company.market)][::-1]
    # They take turns: never two stops or two resumes beside each other, whoever came first.
    assert rows == ["issuance.stopped", "issuance.resumed"] * (len(rows) // 2) + [
        "issuance.stopped"
    ] * (len(rows) % 2)
    assert count(answers, "ok") == len(rows)
