"""Limits as people see and change them: sources, proposals, the second person, who may what."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Staff
from accounts.states import Role
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed, TransitionRefused
from compensations.actions import (
    confirm_limit,
    grant,
    propose_limit,
    reject_limit,
    retire_limit,
    withdraw_limit,
)
from compensations.limit_rights import limits_waiting, visible_limits
from compensations.limits import limits_for, rooms
from compensations.models import IssuanceLimit, LimitCounter
from compensations.reconciliation import differences
from compensations.refusals import LimitChanged, LimitExceeded
from compensations.standing import people_standings, standings_of, team_standings
from compensations.states import LimitScope, LimitWindow, Measure
from incidents.models import Customer

from .scenario import Company, build, person

pytestmark = pytest.mark.django_db


def enter(staff: Staff) -> Client:
    Staff.objects.filter(pk=staff.pk).update(language="en")
    client = Client()
    client.force_login(staff)
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def propose(company: Company, cap: int, by: Staff, **fields: Any) -> IssuanceLimit:
    values: dict[str, Any] = {
        "scope": LimitScope.AGENT,
        "window": LimitWindow.DAY,
        "measure": Measure.AMOUNT,
        "reason": "Temporada alta",
        **fields,
    }
    return propose_limit(market=company.market, cap=cap, by=by, **values)


@pytest.fixture
def other_team(company: Company) -> dict[str, Staff]:
    """A supervisor of nobody here, an agent of another team, an auditor, and finance who grants."""
    far = company.team.__class__.objects.create(market=company.market, name="Noche")
    lead = person(company.market, "lead", Role.SUPERVISOR, team=far)
    far.supervisors.add(lead)
    return {
        "lead": lead,
        "stranger": person(company.market, "stranger", Role.AGENT, team=far),
        "auditor": person(company.market, "aurora", Role.AUDITOR),
        "both": person(company.market, "both", Role.FINANCE, Role.AGENT, team=company.team),
    }


def test_each_role_changes_what_is_in_its_reach(
    company: Company, other_team: dict[str, Staff]
) -> None:
    team: dict[str, Any] = {"scope": LimitScope.TEAM, "window": LimitWindow.MONTH}
    far = other_team["lead"].team
    matrix: list[tuple[Staff, dict[str, Any], bool]] = [
        (company.supervisor, {"for_staff": company.agent}, True),
        (company.supervisor, {"for_staff": other_team["stranger"]}, False),
        (company.supervisor, {"for_staff": company.supervisor}, False),
        (company.supervisor, {"for_team": company.team, **team}, True),
        (company.supervisor, {"for_team": far, **team}, False),
        (company.supervisor, {}, False),
        (company.supervisor, {"scope": LimitScope.ROLE, "for_role": "agent"}, False),
        (other_team["lead"], {"for_staff": company.agent}, False),
        (company.elena, {"for_staff": company.supervisor}, True),
        (company.elena, {}, True),
        (company.elena, {"scope": LimitScope.ROLE, "for_role": "agent"}, True),
        (company.elena, {"scope": LimitScope.CUSTOMER, "for_segment": "vip"}, True),
        (other_team["both"], {}, False),
        (other_team["both"], {"for_staff": other_team["both"]}, False),
        (other_team["both"], {"for_team": company.team, **team}, False),
        (other_team["both"], {"for_staff": company.agent}, True),
        (other_team["auditor"], {}, False),
        (company.agent, {"for_staff": company.colleague}, False),
        (company.administrator, {}, False),
    ]
    for number, (by, fields, allowed) in enumerate(matrix):
        if allowed:
            assert propose(company, 100_00 + number, by, **fields).state == "proposed"
        else:
            before = IssuanceLimit.objects.count(), AuditEvent.objects.count()
            with pytest.raises(NotAllowed):
                propose(company, 100_00 + number, by, **fields)
            assert (IssuanceLimit.objects.count(), AuditEvent.objects.count()) == before


def test_what_makes_no_limit_is_said(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cap": 300_00}, "cap"),
        ({"cap": -1}, "cap"),
        ({"cap": 10**13}, "cap"),
        ({"cap": 1, "reason": " "}, "reason"),
        ({"cap": 1, "for_team": company.team}, "target"),
        ({"cap": 1, "for_segment": "vip"}, "target"),
        ({"cap": 1, "scope": LimitScope.GRANT}, "kind"),
        ({"cap": 1, "for_staff": company.cashier}, "target"),
    ]
    for fields, field in wrong:
        with pytest.raises(InvalidInput) as refusal:
            propose(company, by=company.elena, **fields)
        assert refusal.value.field == field, fields


def test_ones_own_proposal_is_taken_back_by_oneself_alone(company: Company) -> None:
    limit = propose(company, 500_00, company.supervisor, for_staff=company.agent)
    with pytest.raises(NotAllowed):
        withdraw_limit(limit=limit, by=company.elena)
    row = withdraw_limit(limit=limit, by=company.supervisor)
    assert (row.state, row.ended_by_id, row.decided_by_id) == (
        "withdrawn",
        company.supervisor.pk,
        None,
    )
    with pytest.raises(TransitionRefused):
        confirm_limit(limit=limit, by=company.elena)
    assert AuditEvent.objects.filter(act="limit.withdrawn").count() == 1


def test_a_cap_below_what_is_used_leaves_no_room_and_breaks_nothing(company: Company) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    low = propose(company, 50_00, company.supervisor, for_staff=company.agent)
    confirm_limit(limit=low, by=company.elena)
    (row,) = [one for one in standings_of(company.agent, company.market) if one.counts]
    assert (row.room.used, row.room.left, row.percent, row.is_full) == (200_00, 0, 100, True)
    with pytest.raises(LimitExceeded):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    made.refresh_from_db()
    assert made.state == "issued"
    assert "Used up" in text(enter(company.elena), f"/limits/people/{company.agent.pk}/")
    assert list(differences()) == []


def test_lifting_never_widens(company: Company) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    narrow = confirm_limit(
        limit=propose(company, 300_00, company.supervisor, for_staff=company.agent),
        by=company.elena,
    )
    with pytest.raises(LimitChanged):
        retire_limit(limit=narrow, reason="ya no hace falta", by=company.hugo)
    with pytest.raises(NotAllowed):
        retire_limit(limit=narrow, reason="ya no hace falta", by=company.supervisor)
    wide = confirm_limit(
        limit=propose(company, 2_000_00, company.supervisor, for_staff=company.agent),
        by=company.elena,
    )
    row = retire_limit(limit=wide, reason="fin de temporada", by=company.hugo)
    assert (row.state, row.ended_by_id) == ("retired", company.hugo.pk)


def test_a_segments_limit_takes_over_its_own_customers_alone(company: Company) -> None:
    general = company.limit("customer", "month", "amount", 1_000_00)
    vip, plain = company.customer(), company.customer()
    Customer.objects.filter(pk=vip.pk).update(segment="vip")
    for customer in (vip, plain):
        grant(incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent)
    own = confirm_limit(
        limit=propose(
            company,
            2_000_00,
            company.elena,
            scope=LimitScope.CUSTOMER,
            window=LimitWindow.MONTH,
            for_segment="vip",
        ),
        by=company.hugo,
    )
    used = {
        (row.limit_id, row.subject): row.used for row in LimitCounter.objects.filter(used__gt=0)
    }
    assert used == {(general.pk, str(one.pk)): 200_00 for one in (vip, plain)}
    vip.refresh_from_db()
    for customer, cap in ((vip, own.cap), (plain, general.cap)):
        case = company.incident(customer)
        (room,) = rooms(
            limits_for(market=company.market, staff=company.agent, customer=customer, incident=case)
        )
        assert (room.used, room.cap) == (200_00, cap)
    assert list(differences()) == []


def test_people_and_teams_stand_where_their_grants_put_them(
    company: Company, other_team: dict[str, Staff]
) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    company.limit("agent", "month", "count", 4)
    company.limit("team", "month", "amount", 5_000_00)
    company.limit("team", "month", "amount", 900_00, for_team=other_team["lead"].team)
    company.limit("grant", "each", "amount", 400_00)
    company.limit("grant", "each", "amount", 250_00, for_staff=company.colleague)
    for _number in range(2):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    rows = people_standings(
        [company.colleague, company.agent, other_team["stranger"]], company.market
    )
    seen = [
        (
            row.staff.name,
            row.own,
            row.single.room.cap if row.single else 0,
            [(one.room.used, one.room.cap) for one in row.counted],
        )
        for row in rows
    ]
    assert seen[0] == ("Agent", 0, 400_00, [(2, 4), (400_00, 1_000_00)])
    assert sorted(seen[1:]) == [
        ("Colleague", 1, 250_00, [(0, 1_000_00), (0, 4)]),
        ("Stranger", 0, 400_00, [(0, 1_000_00), (0, 4)]),
    ]
    far = other_team["lead"].team
    assert far is not None
    budgets = {
        row.team.name: [
            (one.room.used, one.room.cap, one.instead_of.cap if one.instead_of else 0)
            for one in row.budgets
        ]
        for row in team_standings([company.team, far], company.market)
    }
    assert budgets == {"Recepción": [(400_00, 5_000_00, 0)], "Noche": [(0, 900_00, 5_000_00)]}


def test_a_supervisor_sees_own_people_and_finance_everybody(
    company: Company, other_team: dict[str, Staff]
) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    shown = text(enter(company.supervisor), "/limits/")
    assert "Agent" in shown
    assert "Stranger" not in shown
    assert "Noche" not in shown
    for who in (company.elena, other_team["auditor"]):
        assert "Stranger" in text(enter(who), "/limits/")
    stranger = other_team["stranger"]
    assert enter(company.supervisor).get(f"/limits/people/{stranger.pk}/").status_code == 404
    assert enter(company.elena).get(f"/limits/people/{uuid.uuid4()}/").status_code == 404
    own = confirm_limit(
        limit=propose(company, 9_00, company.elena, for_staff=stranger), by=company.hugo
    )
    assert enter(company.supervisor).get(f"/limits/{own.pk}/").status_code == 404
    assert enter(other_team["lead"]).get(f"/limits/{own.pk}/").status_code == 200
    assert not visible_limits(company.supervisor).filter(pk=own.pk).exists()
    for who in (company.agent, company.administrator, company.cashier):
        assert enter(who).get("/limits/").status_code == 403


def test_a_proposal_from_the_page_to_a_second_person(company: Company) -> None:
    general = company.limit("agent", "day", "amount", 1_000_00)
    supervisor, finance = enter(company.supervisor), enter(company.elena)
    address = f"/limits/new/?person={company.agent.pk}&limit={general.pk}"
    assert "$1,000.00 a day" in text(supervisor, address)
    body = {"kind": "agent.day.amount", "cap": "1,500.50", "reason": "Cubre dos turnos"}
    assert supervisor.post(address, {**body, "cap": "1.500,5"}).status_code == 422
    assert supervisor.post(address, {**body, "reason": ""}).status_code == 422
    assert IssuanceLimit.objects.filter(state="proposed").count() == 0
    assert supervisor.post(address, body).status_code == 302
    limit = IssuanceLimit.objects.get(state="proposed")
    assert (limit.cap, limit.for_staff_id) == (1_500_50, company.agent.pk)
    assert limits_waiting(company.elena, company.market) == 1
    assert limits_waiting(company.supervisor, company.market) == 0
    shown = text(finance, "/limits/")
    assert "From $1,000.00 a day to $1,500.50 a day: $500.50 more" in shown
    assert "Cubre dos turnos" in shown
    assert "Yours: another person decides." in text(supervisor, "/limits/")
    assert supervisor.post(f"/limits/{limit.pk}/confirm/").status_code == 403
    assert finance.post(f"/limits/{limit.pk}/confirm/").status_code == 302
    assert finance.post(f"/limits/{limit.pk}/confirm/").status_code == 409
    shown = text(finance, f"/limits/people/{company.agent.pk}/")
    assert "Own limit" in shown
    assert "in place of $1,000.00 a day" in shown
    assert limits_waiting(company.elena, company.market) == 0


def test_a_no_has_its_reason_and_is_kept(company: Company) -> None:
    limit = propose(company, 500_00, company.supervisor, for_staff=company.agent)
    finance = enter(company.elena)
    assert finance.post(f"/limits/{limit.pk}/reject/", {"reason": ""}).status_code == 422
    answer = finance.post(f"/limits/{limit.pk}/reject/", {"reason": "Sin presupuesto"})
    assert answer.status_code == 302
    shown = text(finance, f"/limits/{limit.pk}/")
    assert "Rejected" in shown
    assert "Sin presupuesto" in shown
    with pytest.raises(TransitionRefused):
        reject_limit(limit=limit, reason="otra vez", by=company.hugo)


def test_a_proposal_against_another_limit_can_only_be_rejected(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    first, second = (propose(company, cap, company.hugo) for cap in (400_00, 500_00))
    confirm_limit(limit=first, by=company.elena)
    finance = enter(company.elena)
    assert "Changed since" in text(finance, "/limits/")
    answer = finance.post(f"/limits/{second.pk}/confirm/")
    assert answer.status_code == 409
    assert "Reject it and propose again" in answer.content.decode()


def test_the_general_page_names_who_has_another(company: Company) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    company.limit("agent", "day", "amount", 2_000_00, for_staff=company.agent)
    company.limit("market", "day", "amount", 500_00)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    shown = text(enter(company.elena), "/limits/general/")
    assert "$200.00 of $500.00" in shown
    assert shown.count(">Agent</a>") == 1


@pytest.mark.parametrize("people", [3, 30])
def test_the_list_runs_as_many_queries_for_any_number_of_people(
    company: Company, people: int
) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    for number in range(people):
        who = person(company.market, f"p{number}", Role.AGENT, team=company.team)
        company.limit("grant", "each", "amount", 100 + number, for_staff=who)
    finance = enter(company.elena)
    finance.get("/limits/")
    with CaptureQueriesContext(connection) as queries:
        finance.get("/limits/")
    assert len(queries) == 15


def test_another_markets_limits_are_not_there(company: Company) -> None:
    abroad = build("CO")
    far = abroad.limit("agent", "day", "amount", 1_000_00)
    finance = enter(company.elena)
    for address in (
        f"/limits/{far.pk}/",
        f"/limits/people/{abroad.agent.pk}/",
        f"/limits/new/?limit={far.pk}",
        f"/limits/new/?person={abroad.agent.pk}",
        f"/limits/new/?team={abroad.team.pk}",
        "/limits/new/?limit=x",
    ):
        assert finance.get(address).status_code == 404, address
