"""Races over asking and deciding, between real processes, each with a negative control.

Where the outcome hangs on who is first, one process is held inside its transaction until the other
has tried, and the order of the audit rows says which came first.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from accounts.models import Staff
from accounts.states import Role
from audit.models import AuditEvent
from compensations.actions import (
    approve,
    confirm_limit,
    deciding,
    grant,
    lapse_due,
    pass_up,
    propose_limit,
    reject,
    request,
    stop_issuance,
    withdraw,
)
from compensations.actions.locking import contacts_of
from compensations.models import (
    Approval,
    Compensation,
    Coupon,
    IssuanceLimit,
    LimitCounter,
    LimitUse,
)
from compensations.reconciliation import differences
from compensations.states import LimitScope, LimitWindow, Measure
from compensations.tests.scenario import Company, build, person
from incidents.actions import change_incident
from incidents.models import ContactPoint, Customer, Incident
from tests.support.race import Answers, count, errors, race
from tests.test_races import without

pytestmark = [pytest.mark.django_db(transaction=True)]
DECIDERS = 50


@pytest.fixture
def company() -> Company:
    return build()


def asked(company: Company, minor: int = 900_00) -> Approval:
    made = request(
        incident=company.incident(),
        offer=company.offers["large"],
        amount_minor=minor,
        reason="Segunda falla.",
        by=company.agent,
    )
    return made.approvals.get()


def fresh(staff: Staff) -> Staff:
    return Staff.objects.get(pk=staff.pk)


# --- many deciders -----------------------------------------------------------------------------


def _decide(company: Company, waiting: Approval):  # type: ignore[no-untyped-def]
    people = [company.supervisor, company.elena, company.hugo]

    def work(number: int) -> str:
        by = people[number % 3]
        if number % 5 == 4:
            return str(reject(approval=waiting, reason="No", by=by).state)
        return str(approve(approval=waiting, by=by).state)

    return work


@pytest.fixture
def hesitant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between finding a request open and deciding it passes a moment."""

    def slowly_read(customer: Customer) -> list[ContactPoint]:
        found = contacts_of(customer)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(deciding, "contacts_of", slowly_read)


@pytest.mark.usefixtures("hesitant")
def test_fifty_deciders_decide_once(company: Company) -> None:
    company.limit("team", "day", "amount", 900_00)
    waiting = asked(company)
    answers = race(_decide(company, waiting), range(DECIDERS))
    assert errors(answers) == []
    assert count(answers, "ok") == 1
    assert {value for kind, value in answers if kind == "refused"} == {"already_decided"}
    waiting.refresh_from_db()
    issued = waiting.state == "approved"
    assert Coupon.objects.count() == int(issued)
    assert LimitCounter.objects.get().used == (900_00 if issued else 0)
    acts = AuditEvent.objects.filter(object_kind="approval")
    assert [row.act for row in acts] == [f"approval.{waiting.state}"]
    assert list(differences()) == []


@pytest.mark.usefixtures("hesitant")
def test_fifty_deciders_without_the_guard(company: Company) -> None:
    waiting = asked(company)

    def work(number: int) -> str:
        return str(approve(approval=waiting, by=company.supervisor).state)

    unique = "compensations_coupon_compensation_id_key"
    with without(
        (
            f"ALTER TABLE compensations_coupon DROP CONSTRAINT {unique}",
            "TRUNCATE compensations_coupon CASCADE; "
            f"ALTER TABLE compensations_coupon ADD CONSTRAINT {unique} UNIQUE (compensation_id)",
        )
    ):
        answers = race(work, range(12), guards_off=["decide"])
        assert count(answers, "ok") > 1


# --- rooms filled exactly ----------------------------------------------------------------------


def _fill_a_budget(company: Company, guards_off: list[str]) -> Answers:
    """Thirty requests at once, where the team's budget has room for ten."""
    company.limit("team", "day", "amount", 8_000_00)
    incidents = [company.incident() for _ in range(30)]

    def work(number: int) -> str:
        made = request(
            incident=incidents[number],
            offer=company.offers["large"],
            amount_minor=800_00,
            reason="Segunda falla.",
            by=company.agent if number % 2 else company.colleague,
        )
        return str(made.pk)

    answers = race(work, range(30), guards_off=guards_off)
    assert errors(answers) == []
    return answers


def test_requests_fill_a_shared_limit_exactly(company: Company) -> None:
    answers = _fill_a_budget(company, [])
    assert count(answers, "ok") == 10
    assert {value for kind, value in answers if kind == "refused"} == {"limit_exceeded"}
    assert LimitCounter.objects.get().used == 8_000_00
    assert list(differences()) == []


def test_requests_overfill_a_shared_limit_without_the_guard(company: Company) -> None:
    assert count(_fill_a_budget(company, ["limits"]), "ok") > 10
    assert LimitCounter.objects.get().used > 8_000_00


def _fill_an_authority(company: Company, guards_off: list[str]) -> int:
    """How many of twenty approvals at once pass, where four are inside the supervisor's limit."""
    company.limit("agent", "day", "amount", 3_200_00, for_staff=company.supervisor)
    waiting = [asked(company, 800_00) for _ in range(20)]

    def work(number: int) -> str:
        return str(approve(approval=waiting[number], by=fresh(company.supervisor)).state)

    answers = race(work, range(20), guards_off=guards_off)
    assert errors(answers) == []
    assert {value for kind, value in answers if kind == "refused"} <= {"above_authority"}
    return count(answers, "ok")


def test_approvals_fill_an_authority_exactly(company: Company) -> None:
    assert _fill_an_authority(company, []) == 4
    own = LimitCounter.objects.get(subject=str(company.supervisor.pk))
    assert own.used == own.limit.cap
    assert Approval.objects.filter(state="pending").count() == 16
    assert list(differences()) == []


def test_approvals_without_the_guard(company: Company) -> None:
    assert _fill_an_authority(company, ["limits"]) > 4


# --- one against another -----------------------------------------------------------------------


def test_approve_against_withdraw_has_one_winner(company: Company) -> None:
    company.limit("team", "day", "amount", 900_00)
    for _round in range(3):
        waiting = asked(company)

        def work(number: int) -> str:
            if number % 2:
                return str(withdraw(approval=waiting, by=company.agent).state)  # noqa: B023
            return str(approve(approval=waiting, by=company.supervisor).state)  # noqa: B023

        answers = race(work, range(10))
        assert errors(answers) == []
        assert count(answers, "ok") == 1
        winner = next(value for kind, value in answers if kind == "ok")
        waiting.refresh_from_db()
        assert waiting.state == winner
        made = Compensation.objects.get(pk=waiting.compensation_id)
        assert made.state == ("issued" if winner == "approved" else "withdrawn")
        assert LimitCounter.objects.get().used == (900_00 if winner == "approved" else 0)
        assert list(differences()) == []
        LimitUse.objects.all().delete()
        LimitCounter.objects.update(used=0)


def test_approve_against_withdraw_without_the_guard(company: Company) -> None:
    """Both read a request that waits; the yes then issues what was taken back."""
    waiting = asked(company)

    def work(number: int) -> str:
        if number % 2:
            return str(withdraw(approval=waiting, by=company.agent).state)
        return str(approve(approval=waiting, by=company.supervisor).state)

    tables = ("compensations_compensation", "compensations_approval")
    with without(
        *(
            (f"ALTER TABLE {name} DISABLE TRIGGER USER", f"ALTER TABLE {name} ENABLE TRIGGER USER")
            for name in tables
        ),
        ("SELECT 1", "TRUNCATE compensations_compensation CASCADE"),
    ):
        with held("compensations_coupon"):
            answers = race(_second_waits(work), range(2), guards_off=["decide"])
        assert count(answers, "ok") == 2, answers


def test_approve_against_lapse_has_one_winner(company: Company) -> None:
    company.limit("team", "day", "amount", 900_00)
    waiting = asked(company)
    # Runs out while they race: before that it is approved, after it it lapses.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE compensations_approval SET lapses_at = clock_timestamp() + interval '1 second'"
        )

    def work(number: int) -> str:
        time.sleep(0.15 * number)
        if number % 2:
            return f"lapsed {lapse_due()}"
        return str(approve(approval=waiting, by=company.supervisor).state)

    answers = race(work, range(14))
    assert errors(answers) == []
    waiting.refresh_from_db()
    made = Compensation.objects.get()
    assert (waiting.state, made.state) in {("approved", "issued"), ("lapsed", "lapsed")}
    assert LimitCounter.objects.get().used == (900_00 if made.state == "issued" else 0)
    assert AuditEvent.objects.filter(object_kind="approval").count() == 1
    assert list(differences()) == []


# --- held inside a transaction -----------------------------------------------------------------


@contextmanager
def held(table: str) -> Iterator[None]:
    """Every insert into the table takes a while longer, inside its transaction."""
    with without(
        (
            "CREATE FUNCTION a_while() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$; "
            f"CREATE TRIGGER a_while BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION a_while()",
            f"DROP TRIGGER a_while ON {table}; DROP FUNCTION a_while()",
        )
    ):
        yield


def _second_waits(work):  # type: ignore[no-untyped-def]
    """The second process begins when the first one is held."""

    def begun(number: int) -> str:
        deadline = time.monotonic() + 20
        while number and time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM pg_stat_activity "
                    "WHERE datname = current_database() AND wait_event = 'PgSleep'"
                )
                if cursor.fetchone():
                    break
            time.sleep(0.02)
        return str(work(number))

    return begun


def _order(*acts: str) -> list[str]:
    """The acts as the trail has them."""
    return list(
        AuditEvent.objects.filter(act__in=acts).order_by("id").values_list("act", flat=True)
    )


def _approve_while(company: Company, other, guards_off: list[str]) -> None:  # type: ignore[no-untyped-def]
    waiting = asked(company)

    def work(number: int) -> str:
        if number:
            return str(other(waiting))
        return str(approve(approval=waiting, by=company.supervisor).state)

    with held("compensations_coupon"):
        answers = race(_second_waits(work), range(2), guards_off=guards_off)
    assert errors(answers) == []
    assert count(answers, "ok") == 2


def _change(company: Company):  # type: ignore[no-untyped-def]
    def other(waiting: Approval) -> int:
        case = Incident.objects.get(compensations=waiting.compensation_id)
        return change_incident(
            incident=case,
            version=case.version,
            amount_at_stake_minor=1_00,
            by=fresh(company.colleague),
        ).version

    return other


def test_a_case_does_not_change_under_a_yes(company: Company) -> None:
    def other(waiting: Approval) -> str:
        try:
            return str(_change(company)(waiting))
        except Exception as refusal:  # the version moved on while it waited, as it should
            return type(refusal).__name__

    _approve_while(company, other, [])
    order = _order("approval.approved", "incident.changed")
    assert order[0] == "approval.approved"


def test_a_case_changes_under_a_yes_without_the_guard(company: Company) -> None:
    _approve_while(company, _change(company), ["decide"])
    order = _order("approval.approved", "incident.changed")
    assert order == ["incident.changed", "approval.approved"]


UNGUARDED = (
    "ALTER TABLE incidents_incident DISABLE TRIGGER incidents_incident_stake",
    "ALTER TABLE incidents_incident ENABLE TRIGGER incidents_incident_stake",
)


def _lower(case: Incident, company: Company) -> str:
    """As whoever has read the case after the grant that is under way."""
    change_incident(
        incident=case,
        version=case.version + 1,
        amount_at_stake_minor=1_00,
        by=fresh(company.colleague),
    )
    return "lowered"


def _update(case: Incident, _company: Company) -> str:
    """As a shell would."""
    Incident.objects.filter(pk=case.pk).update(amount_at_stake_minor=1_00)
    return "lowered"


def _refund_while(company: Company, lower, guards_off: list[str]) -> Answers:  # type: ignore[no-untyped-def]
    case = company.incident()

    def work(number: int) -> str:
        if number:
            return str(lower(case, company))
        return str(grant(incident=case, offer=company.offers["refund"], by=company.agent).state)

    with held("compensations_compensation"):
        return race(_second_waits(work), range(2), guards_off=guards_off)


def test_no_less_is_at_stake_beside_a_refund_under_way(company: Company) -> None:
    answers = _refund_while(company, _lower, [])
    assert sorted(answers) == [("ok", "issued"), ("refused", "stake_below_refunds")]
    answers = _refund_while(company, _update, [])
    assert count(answers, "ok") == 1
    assert "refunded, so no less was at stake" in errors(answers)[0]
    assert set(Incident.objects.values_list("amount_at_stake_minor", flat=True)) == {2_000_00}


@pytest.mark.parametrize("lower", [_lower, _update])
def test_less_is_at_stake_than_refunded_without_the_guard(company: Company, lower) -> None:  # type: ignore[no-untyped-def]
    with without(UNGUARDED):
        assert count(_refund_while(company, lower, ["refunds"]), "ok") == 2
    assert Incident.objects.get().amount_at_stake_minor == 1_00
    assert Compensation.objects.get().face_minor == 500_00


def _stop(company: Company):  # type: ignore[no-untyped-def]
    def other(_waiting: Approval) -> str:
        return str(stop_issuance(market=company.market, reason="Fraude", by=fresh(company.elena)))

    return other


def test_the_stop_switch_waits_for_a_yes_under_way(company: Company) -> None:
    _approve_while(company, _stop(company), [])
    assert _order("compensation.granted", "issuance.stopped") == [
        "compensation.granted",
        "issuance.stopped",
    ]


def test_the_stop_switch_without_the_guard(company: Company) -> None:
    _approve_while(company, _stop(company), ["rules"])
    assert _order("compensation.granted", "issuance.stopped") == [
        "issuance.stopped",
        "compensation.granted",
    ]


def _limit_while_granting(company: Company, guards_off: list[str]) -> None:
    """A limit that nothing stood for before comes in force while a grant is under way."""
    limit = propose_limit(
        market=company.market,
        scope=LimitScope.MARKET,
        window=LimitWindow.DAY,
        measure=Measure.AMOUNT,
        cap=5_000_00,
        reason="Cierre de mes",
        by=company.elena,
    )
    incident = company.incident()

    def work(number: int) -> str:
        if number:
            return str(confirm_limit(limit=limit, by=fresh(company.hugo)).state)
        made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
        return str(made.pk)

    with held("compensations_compensation"):
        answers = race(_second_waits(work), range(2), guards_off=guards_off)
    assert errors(answers) == []
    assert count(answers, "ok") == 2
    assert IssuanceLimit.objects.get().state == "in_force"


def test_a_grant_is_wholly_before_a_new_limit_or_counted_by_it(company: Company) -> None:
    _limit_while_granting(company, [])
    order = _order("compensation.granted", "limit.confirmed")
    counted = LimitUse.objects.count()
    assert (order[0], counted) in {("compensation.granted", 0), ("limit.confirmed", 1)}
    # The next one is counted in any case.
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    assert LimitUse.objects.count() == counted + 1


def test_a_grant_slips_past_a_new_limit_without_the_guard(company: Company) -> None:
    _limit_while_granting(company, ["rules"])
    order = _order("compensation.granted", "limit.confirmed")
    assert (order[0], LimitUse.objects.count()) == ("limit.confirmed", 0)


def test_two_levels_at_once_take_two_people(company: Company) -> None:
    """Somebody of both roles who endorsed a request is not the second yes, however fast."""
    both = person(company.market, "both", Role.SUPERVISOR, Role.FINANCE, team=company.team)
    company.team.supervisors.add(both)
    company.limit("agent", "day", "amount", 100_00)
    waiting = asked(company)

    def work(_number: int) -> str:
        above = pass_up(approval=waiting, by=fresh(both))
        return str(approve(approval=above, by=fresh(both)).state)

    answers = race(work, range(6))
    assert errors(answers) == []
    assert {value for _kind, value in answers} == {"already_decided", "own_request"}
    assert Approval.objects.filter(state="pending", level=2).count() == 1
    assert not Coupon.objects.exists()
