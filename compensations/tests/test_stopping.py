"""The stop switch: in force at once, for every door, with its reason in the trail."""

import pytest
from django.test import Client

from accounts.models import Staff
from accounts.states import Role
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed, TransitionRefused
from compensations.actions import (
    approve,
    grant,
    reissue,
    request,
    resume_issuance,
    stop_issuance,
    void,
)
from compensations.models import Compensation
from compensations.refusals import IssuanceStopped
from compensations.stops import RESUMED, STOPPED, history

from .calls import as_staff, everything
from .scenario import Company, person

pytestmark = pytest.mark.django_db


def enter(staff: Staff) -> Client:
    """Somebody who reads English."""
    Staff.objects.filter(pk=staff.pk).update(language="en")
    client = Client()
    client.force_login(staff)
    return client


def test_it_holds_at_once_and_only_for_what_is_new(company: Company) -> None:
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    incident = company.incident()
    stop_issuance(market=company.market, reason="Códigos filtrados", by=company.elena)
    with pytest.raises(IssuanceStopped):
        grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    with pytest.raises(IssuanceStopped):
        reissue(compensation=made, reason="No llegó", by=company.supervisor)
    void(compensation=made, reason="por error", by=company.agent)
    assert Compensation.objects.count() == 1
    resume_issuance(market=company.market, reason="Códigos cambiados", by=company.elena)
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    rows = list(history(company.market))
    assert [(row.act, row.reason, row.actor_id, row.role) for row in rows] == [
        (RESUMED, "Códigos cambiados", str(company.elena.pk), "finance"),
        (STOPPED, "Códigos filtrados", str(company.elena.pk), "finance"),
    ]


def test_finance_alone_and_with_a_reason(company: Company) -> None:
    for who in (company.agent, company.supervisor, company.administrator, company.cashier):
        with pytest.raises(NotAllowed):
            stop_issuance(market=company.market, reason="x", by=who)
    with pytest.raises(InvalidInput):
        stop_issuance(market=company.market, reason="  ", by=company.elena)
    stop_issuance(market=company.market, reason="Revisión", by=company.elena)
    for who in (company.agent, company.supervisor, company.administrator):
        with pytest.raises(NotAllowed):
            resume_issuance(market=company.market, reason="x", by=who)
    with pytest.raises(TransitionRefused):
        stop_issuance(market=company.market, reason="Otra vez", by=company.hugo)
    resume_issuance(market=company.market, reason="Revisado", by=company.hugo)
    with pytest.raises(TransitionRefused):
        resume_issuance(market=company.market, reason="Otra vez", by=company.hugo)
    assert history(company.market).count() == 2


def test_the_page_stops_says_who_and_why_and_resumes(company: Company) -> None:
    finance = enter(company.elena)
    assert "Compensations are granted" in page(finance)
    answer = finance.post("/finance/stop/", {"act": "stop", "reason": ""})
    assert answer.status_code == 422
    assert history(company.market).count() == 0
    answer = finance.post("/finance/stop/", {"act": "stop", "reason": "Códigos filtrados"})
    assert (answer.status_code, answer["Location"]) == (302, "/finance/stop/")
    shown = page(finance)
    assert "Compensations are stopped" in shown
    assert "Códigos filtrados" in shown
    # Two tabs: the second one is told.
    answer = finance.post("/finance/stop/", {"act": "stop", "reason": "otra vez"})
    assert answer.status_code == 422
    auditor = enter(person(company.market, "aurora", Role.AUDITOR))
    assert "Resume" not in page(auditor).replace("Resumed", "")
    assert auditor.post("/finance/stop/", {"act": "resume", "reason": "x"}).status_code == 403
    assert AuditEvent.objects.filter(act=RESUMED).count() == 0


def page(client: Client) -> str:
    return client.get("/finance/stop/").content.decode()


def test_every_page_of_staff_says_it_without_the_reason(company: Company) -> None:
    stop_issuance(market=company.market, reason="Sospecha de fraude", by=company.elena)
    for who in (company.agent, company.supervisor):
        for address in ("/", "/incidents/", "/customers/", "/incidents/new/"):
            shown = enter(who).get(address).content.decode()
            assert 'class="alert alert-critical"' in shown, address
            assert "Sospecha de fraude" not in shown
    resume_issuance(market=company.market, reason="Aclarado", by=company.hugo)
    assert 'class="alert alert-critical"' not in enter(company.agent).get("/").content.decode()


def test_requests_and_their_decision_stand_still_too(company: Company) -> None:
    offer = company.offers["large"]
    waiting = request(
        incident=company.incident(), offer=offer, reason="Dos horas", by=company.agent
    )
    incident = company.incident()
    stop_issuance(market=company.market, reason="Códigos filtrados", by=company.elena)
    approval = waiting.approvals.get()
    before = everything()
    with pytest.raises(IssuanceStopped):
        request(incident=incident, offer=offer, reason="Dos horas", by=company.agent)
    with pytest.raises(IssuanceStopped):
        approve(approval=approval, by=company.elena)
    assert everything() == before
    resume_issuance(market=company.market, reason="Códigos cambiados", by=company.elena)
    assert approve(approval=approval, by=company.elena).state == "approved"


def test_a_program_is_told_by_a_code(company: Company) -> None:
    incident = company.incident()
    agent = as_staff(company.agent)
    stop_issuance(market=company.market, reason="Códigos filtrados", by=company.elena)
    answer = agent.post(
        f"/incidents/{incident.folio}/compensations", {"offer": company.offers["coupon"].pk}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "issuance_stopped")
    assert "filtrados" not in answer.content.decode()
