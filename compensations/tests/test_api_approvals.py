"""Asking, deciding and taking back over the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Staff
from accounts.states import Role
from compensations.models import Approval, Compensation, Coupon, LimitCounter
from compensations.reconciliation import differences
from delivery.models import Message
from incidents.models import Incident

from .calls import Caller, as_client, as_staff, everything
from .scenario import Company, person

pytestmark = pytest.mark.django_db
WHY = "Segunda falla en el mismo viaje."


def as_now(staff: Staff) -> Caller:
    return as_staff(Staff.objects.get(pk=staff.pk))


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


@pytest.fixture
def agent(company: Company) -> Caller:
    return as_now(company.agent)


@pytest.fixture
def supervisor(company: Company) -> Caller:
    return as_now(company.supervisor)


def ask(caller: Caller, company: Company, incident: Incident, **body: object) -> dict[str, object]:
    answer = caller.post(
        f"/incidents/{incident.folio}/compensations",
        {"offer": company.offers["large"].pk, "reason": WHY, **body},
    )
    assert answer.status_code == 202, answer.content
    return answer.json()  # type: ignore[no-any-return]


def test_without_a_reason_it_is_refused_and_says_that_one_can_ask(
    agent: Caller, company: Company, incident: Incident
) -> None:
    body = {"offer": company.offers["large"].pk}
    path = f"/incidents/{incident.folio}/compensations"
    before = everything(but=("accounts_idempotentanswer",))
    refused = agent.post(path, body)
    assert refused.status_code == 409
    said = refused.json()
    assert (said["code"], said["request"], said["approval_from"]) == ("needs_approval", True, 80000)
    company.limit("team", "day", "amount", 100_00)
    refused = agent.post(path, {**body, "reason": WHY})
    said = refused.json()
    assert (refused.status_code, said["code"], said["request"]) == (409, "limit_exceeded", False)
    company_limit = {"compensations_issuancelimit"}
    after = everything(but=("accounts_idempotentanswer",))
    assert {name for name in after if after[name] != before[name]} <= company_limit | {
        "compensations_limitcounter"
    }


def test_with_a_reason_it_is_asked(agent: Caller, company: Company, incident: Incident) -> None:
    said = ask(agent, company, incident)
    approval = Approval.objects.get()
    assert said["state"] == "requested"
    assert said["coupon"] is None
    assert said["approval"] == {
        "id": str(approval.pk),
        "state": "pending",
        "level": 1,
        "waits_for": "supervisors",
        "lapses_at": approval.lapses_at.isoformat().replace("+00:00", "Z"),
    }
    listed = agent.get("/compensations", state="requested").json()["results"]
    assert [(row["id"], row["approval"]["id"]) for row in listed] == [
        (said["id"], str(approval.pk))
    ]
    # What can be granted alone is granted, reason or not.
    path = f"/incidents/{incident.folio}/compensations"
    body = {"offer": company.offers["coupon"].pk, "reason": WHY}
    assert agent.post(path, body).status_code == 201


def test_the_same_key_asks_once(agent: Caller, company: Company, incident: Incident) -> None:
    path = f"/incidents/{incident.folio}/compensations"
    body = {"offer": company.offers["large"].pk, "reason": WHY}
    first, second = agent.post(path, body, key="one"), agent.post(path, body, key="one")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Compensation.objects.count() == 1


def test_the_offers_say_what_can_be_asked(
    agent: Caller, company: Company, incident: Incident
) -> None:
    company.limit("grant", "each", "amount", 250_00)
    company.limit("team", "day", "amount", 1_200_00)
    rows = agent.get(f"/incidents/{incident.folio}/offers").json()["offers"]
    said = {
        row["name"]: (row["requestable"], row["alone_minor"], row["most_minor"]) for row in rows
    }
    assert said["coupon"] == (True, 250_00, 300_00)
    assert said["gift_card"] == (True, 250_00, 500_00)
    assert said["large"] == (True, 250_00, 1_200_00)
    assert said["statutory"][0] is False


def test_a_decision_over_the_api(
    agent: Caller, supervisor: Caller, company: Company, incident: Incident
) -> None:
    said = ask(agent, company, incident, channel="handover")
    path = f"/approvals/{said['approval']['id']}/decide"  # type: ignore[index]
    assert supervisor.post(path, {"decision": "approve"}, key=None).status_code == 400
    done = supervisor.post(path, {"decision": "approve", "reason": "De acuerdo"}, key="k")
    assert done.status_code == 200, done.content
    row = done.json()
    assert (row["state"], row["decided_by"]) == ("approved", company.supervisor.username)
    assert row["compensation"]["state"] == "issued"
    assert (row["waits_for"], row["decision_reason"]) == (None, "De acuerdo")
    again = supervisor.post(path, {"decision": "approve", "reason": "De acuerdo"}, key="k")
    assert again.content == done.content
    late = as_now(company.elena).post(path, {"decision": "reject", "reason": "No"})
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    assert late.json()["decided_by"] == company.supervisor.username
    assert Coupon.objects.count() == 1
    assert Message.objects.get().channel == "handover"
    assert list(differences()) == []


def test_a_no_needs_a_reason(
    agent: Caller, supervisor: Caller, company: Company, incident: Incident
) -> None:
    company.limit("team", "day", "amount", 2_000_00)
    said = ask(agent, company, incident)
    path = f"/approvals/{said['approval']['id']}/decide"  # type: ignore[index]
    for body in ({"decision": "reject"}, {"decision": "reject", "reason": " "}):
        refused = supervisor.post(path, body)
        assert refused.status_code == 422
        assert list(refused.json()["errors"]) == ["reason"]
    assert supervisor.post(path, {"decision": "maybe"}).status_code == 400
    assert supervisor.post(path, {"decision": "reject", "reason": "No"}).status_code == 200
    assert LimitCounter.objects.get().used == 0


def test_what_changed_is_answered_and_ended_in_one_commit(
    agent: Caller, supervisor: Caller, company: Company, incident: Incident
) -> None:
    said = ask(agent, company, incident)
    Incident.objects.update(amount_at_stake_minor=5)
    path = f"/approvals/{said['approval']['id']}/decide"  # type: ignore[index]
    refused = supervisor.post(path, {"decision": "approve"}, key="k")
    assert (refused.status_code, refused.json()["code"]) == (409, "request_changed")
    assert refused["Content-Type"] == "application/problem+json"
    assert Approval.objects.get().state == "lapsed"
    assert supervisor.post(path, {"decision": "approve"}, key="k").content == refused.content
    assert supervisor.post(path, {"decision": "approve"}).json()["code"] == "already_decided"


def test_passing_up_needs_another_person(
    agent: Caller, supervisor: Caller, company: Company, incident: Incident
) -> None:
    company.limit("agent", "day", "amount", 850_00)
    said = ask(agent, company, incident)
    path = f"/approvals/{said['approval']['id']}/decide"  # type: ignore[index]
    refused = supervisor.post(path, {"decision": "approve"})
    assert (refused.status_code, refused.json()["code"]) == (409, "above_authority")
    assert refused.json()["pass_up"] is True
    assert supervisor.post(path, {"decision": "pass_up"}).status_code == 200
    above = Approval.objects.get(level=2)
    finance = as_now(company.elena)
    path = f"/approvals/{above.pk}/decide"
    assert supervisor.post(path, {"decision": "approve"}).json()["code"] == "waits_for_finance"
    assert finance.post(path, {"decision": "pass_up"}).status_code == 422
    assert finance.post(path, {"decision": "approve"}).status_code == 200


def test_taking_back(agent: Caller, company: Company, incident: Incident) -> None:
    said = ask(agent, company, incident)
    path = f"/approvals/{said['approval']['id']}/withdraw"  # type: ignore[index]
    assert as_now(company.colleague).post(path, {}).status_code == 404
    assert agent.post(path, {"reason": "x"}).status_code == 400
    done = agent.post(path, {})
    assert (done.status_code, done.json()["state"]) == (200, "withdrawn")
    assert agent.post(path, {}).json()["code"] == "already_decided"


def test_who_sees_which_requests(agent: Caller, company: Company, incident: Incident) -> None:
    mine = ask(agent, company, incident)["approval"]["id"]  # type: ignore[index]
    theirs = ask(as_now(company.colleague), company, company.incident())["approval"]["id"]  # type: ignore[index]

    def seen(by: Staff, **query: str) -> set[str]:
        answer = as_now(by).get("/approvals", **query)
        assert answer.status_code == 200, answer.content
        return {row["id"] for row in answer.json()["results"]}

    elsewhere = person(company.market, "elsewhere", Role.SUPERVISOR)
    auditor = person(company.market, "auditor", Role.AUDITOR)
    assert seen(company.agent) == {mine}
    for by in (company.supervisor, company.elena, auditor):
        assert seen(by) == {mine, theirs}
    assert seen(elsewhere) == set()
    assert seen(company.elena, state="approved") == set()
    assert seen(company.elena, level="1") == {mine, theirs}
    assert seen(company.elena, level="2") == set()
    assert seen(company.agent, mine="true") == {mine}
    assert seen(company.supervisor, mine="true") == set()
    _client, till = as_client(company.market, company.administrator, "coupons:redeem")
    assert till.get("/approvals").status_code == 403
    for by in (company.cashier, company.administrator):
        assert as_now(by).get("/approvals").status_code == 403
    row = as_now(elsewhere).post(f"/approvals/{mine}/decide", {"decision": "approve"})
    assert row.status_code == 404
    assert as_now(company.agent).get("/approvals", colour="red").status_code == 400


def test_the_list_says_why_not_without_more_queries(
    agent: Caller, supervisor: Caller, company: Company
) -> None:
    ask(agent, company, company.incident())
    supervisor.get("/approvals")
    with CaptureQueriesContext(connection) as few:
        rows = supervisor.get("/approvals").json()["results"]
    assert [row["why_not"] for row in rows] == [None]
    for _number in range(5):
        ask(agent, company, company.incident())
    with CaptureQueriesContext(connection) as many:
        assert len(supervisor.get("/approvals").json()["results"]) == 6
    assert len(many) == len(few)
    said = agent.get("/approvals").json()["results"][0]["why_not"]
    assert said["code"] in {"not_allowed", "own_request"}
