"""Asking at the desk, and the inbox of those who decide."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from accounts.models import Staff
from accounts.states import Role
from compensations.actions import approve, lapse_due, pass_up, request, withdraw
from compensations.models import Approval, Compensation, LimitCounter
from compensations.tests.scenario import Company, person
from desk.selectors.story import story
from incidents.actions import resolve_incident
from incidents.models import Incident

from .conftest import SignIn

WHY = "Segunda falla en el mismo viaje."
# What the inbox runs, its frame included, whatever waits in it.
INBOX = 24


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


@pytest.fixture
def path(incident: Incident) -> str:
    return f"/incidents/{incident.folio}/"


@pytest.fixture
def supervisor(company: Company, signed_in: SignIn) -> Client:
    return signed_in(company.supervisor)


def offer(company: Company, name: str, **more: str) -> dict[str, str]:
    return {"offer": str(company.offers[name].pk), "once": "t", **more}


def asked(company: Company, incident: Incident | None = None, by: Staff | None = None) -> Approval:
    made = request(
        incident=incident or company.incident(),
        offer=company.offers["large"],
        reason=WHY,
        by=by or company.agent,
    )
    return made.approvals.get()


def test_what_takes_a_second_person_asks_for_a_reason_and_then_for_approval(
    company: Company, path: str, desk: Client
) -> None:
    page = desk.get(path).content.decode()
    pk = company.offers["large"].pk
    assert re.search(rf'id="offer-{pk}"[^>]* data-asks', page)
    assert not re.search(rf'id="offer-{company.offers["coupon"].pk}"[^>]* data-asks', page)
    refused = desk.post(f"{path}grant/", offer(company, "large"))
    text = refused.content.decode()
    assert refused.status_code == 409
    assert "This takes a second person" in text
    assert re.search(r'<textarea[^>]*id="grant-reason"[^>]*autofocus', text)
    # At an address with a fragment the focus is taken away again, and the first letter typed.
    assert re.search(r'<form[^>]*action="[^"#]*/grant/"', text)
    assert not Compensation.objects.exists()
    done = desk.post(f"{path}grant/", offer(company, "large", reason=WHY))
    assert done["Location"] == f"{path}#given"
    made = Compensation.objects.get()
    assert (made.state, made.approvals.get().reason) == ("requested", WHY)
    text = desk.get(path).content.decode()
    assert "Waits for the supervisors of Recepción" in text
    assert "every 5s" in text
    assert "Withdraw the request" in text
    assert "This offer is waiting for approval on this case." in text


def test_sent_twice_it_is_asked_once(company: Company, path: str, desk: Client) -> None:
    for _time in range(2):
        answer = desk.post(f"{path}grant/", offer(company, "large", reason=WHY))
        assert answer["Location"] == f"{path}#given"
    assert Compensation.objects.count() == 1


def test_an_offer_above_ones_own_limit_can_be_picked(
    company: Company, path: str, desk: Client
) -> None:
    company.limit("grant", "each", "amount", 50_00)
    company.limit("team", "day", "amount", 400_00)
    page = desk.get(path).content.decode()
    coupon, gift = company.offers["coupon"].pk, company.offers["gift_card"].pk
    assert re.search(rf'id="offer-{coupon}"[^>]* data-key="1"[^>]* data-asks', page)
    # What holds for everybody is passed by nobody.
    assert re.search(rf'id="offer-{gift}"[^>]* disabled', page)
    assert "only finance raises this limit" in page


def test_the_page_learns_of_the_decision(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    waiting = asked(company, incident)
    way = f"{path}requests/{waiting.pk}/"
    assert desk.get(way).status_code == 204
    approve(approval=waiting, by=company.supervisor)
    answer = desk.get(way)
    text = answer.content.decode()
    assert answer["HX-Retarget"] == "#given"
    assert "Waiting to be sent" in text
    assert f"Approved by {company.supervisor.name}" in text
    assert (
        desk.get(f"/incidents/{company.incident().folio}/requests/{waiting.pk}/").status_code == 404
    )


def test_taking_back_at_the_desk(
    company: Company, incident: Incident, path: str, desk: Client, signed_in: SignIn
) -> None:
    waiting = asked(company, incident)
    colleague = signed_in(company.colleague)
    withdraw = f"{path}requests/{waiting.pk}/withdraw/"
    assert "Withdraw the request" not in colleague.get(path).content.decode()
    assert colleague.post(withdraw).status_code == 404
    assert desk.post(withdraw)["Location"] == f"{path}#given"
    waiting.refresh_from_db()
    assert waiting.state == "withdrawn"
    assert "Withdrawn by who asked" in desk.get(path).content.decode()


def test_ones_requests_are_on_the_rail_the_home_and_a_page(company: Company, desk: Client) -> None:
    waiting = asked(company)
    theirs = asked(company, by=company.colleague)
    home = desk.get("/").content.decode()
    assert waiting.compensation.incident.folio in home
    assert "waits for the supervisors of Recepción" in home
    page = desk.get("/requests/").content.decode()
    assert waiting.compensation.incident.folio in page
    assert theirs.compensation.incident.folio not in page
    assert re.search(r'href="/requests/"[^>]*>.*?1', home, re.S)


def _counted(page: str) -> str:
    """The number beside one's requests in the rail; empty for none."""
    found = re.search(r'href="/requests/"[^>]*>\s*<span[^>]*>[^<]*</span>(.*?)</a>', page, re.S)
    assert found is not None
    return re.sub(r"<[^>]*>", "", found[1]).strip()


def test_what_ended_by_itself_is_said_for_a_day_and_can_be_asked_again(
    company: Company, desk: Client
) -> None:
    waiting = asked(company)
    incident = waiting.compensation.incident
    large = company.republish("coupon", maximum=350_00).rule.offers.get(name_en="large")
    assert lapse_due() == 1
    home = desk.get("/").content.decode()
    assert _counted(home) == "1"
    assert "Ended by itself: another version of the scale went live" in home
    again = f'href="/incidents/{incident.folio}/#offers">Ask again'
    assert again in home
    assert again in desk.get("/requests/").content.decode()
    # After a day the rail is quiet; the list still offers it.
    Approval.objects.update(closed_at=timezone.now() - dt.timedelta(hours=25))
    assert _counted(desk.get("/").content.decode()) == ""
    assert again in desk.get("/requests/").content.decode()
    Approval.objects.update(closed_at=timezone.now())
    request(incident=incident, offer=large, reason=WHY, by=company.agent)
    # What was asked again waits, and the one before it is told no more.
    assert _counted(desk.get("/").content.decode()) == "1"
    assert again not in desk.get("/requests/").content.decode()


@pytest.mark.parametrize("end", ["withdrawn", "resolved", "another's"])
def test_what_nobody_would_ask_again_is_not_said(end: str, company: Company, desk: Client) -> None:
    waiting = asked(company, by=company.colleague if end == "another's" else None)
    incident = waiting.compensation.incident
    if end == "withdrawn":
        withdraw(approval=waiting, by=company.agent)
    elif end == "resolved":
        resolve_incident(incident=incident, resolution="Hecho.", by=company.agent)
    Approval.objects.update(lapses_at=timezone.now())
    lapse_due()
    assert _counted(desk.get("/").content.decode()) == ""


def test_the_inbox_holds_all_that_is_needed(company: Company, supervisor: Client) -> None:
    company.limit("grant", "each", "amount", 950_00, for_role="supervisor")
    company.limit("grant", "each", "amount", 100_00, for_role="agent")
    waiting = asked(company)
    text = supervisor.get("/approvals/").content.decode()
    for words in (
        WHY,
        "El cuarto no estaba listo a las cinco.",
        waiting.compensation.incident.folio,
        "From $800.00 on, the scale asks for a second person.",
        "the limit of one grant",
        "The customer, twelve months",
        "Agent, 30 days",
        "Up to $950.00",
        "Ends by itself on",
    ):
        assert words in text, words
    assert re.search(r'value="approve"[^>]*|data-key="a y"', text)
    assert re.search(r'<textarea[^>]*data-key="n"', text)


def test_yes_focuses_the_next_one(company: Company, supervisor: Client) -> None:
    first, second = asked(company), asked(company)
    text = supervisor.get("/approvals/").content.decode()
    assert f"/approvals/{first.pk}/decide/" in text
    assert re.search(rf'href="/approvals/{second.pk}/"[^>]*data-key="j"', text)
    answer = supervisor.post(f"/approvals/{first.pk}/decide/", {"decision": "approve"})
    assert answer["Location"] == f"/approvals/{second.pk}/"
    answer = supervisor.post(
        f"/approvals/{second.pk}/decide/", {"decision": "reject", "reason": "No corresponde"}
    )
    assert answer["Location"] == "/approvals/"
    assert "Nothing waits" in supervisor.get("/approvals/").content.decode()
    page = supervisor.get("/approvals/decided/").content.decode()
    assert "No corresponde" in page
    assert f"Approved by {company.supervisor.name}" in page
    page = supervisor.get("/approvals/decided/?state=approved").content.decode()
    assert "No corresponde" not in page
    assert supervisor.get("/approvals/decided/?state=nonsense").status_code == 200


def test_a_no_without_a_reason_is_refused_in_its_field(
    company: Company, supervisor: Client
) -> None:
    company.limit("team", "day", "amount", 2_000_00)
    waiting = asked(company)
    answer = supervisor.post(f"/approvals/{waiting.pk}/decide/", {"decision": "reject"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Write why not" in text
    assert re.search(r'<textarea[^>]*aria-invalid="true"', text)
    waiting.refresh_from_db()
    assert waiting.state == "pending"
    assert LimitCounter.objects.get().used == 900_00


def test_ones_own_request_is_shown_and_not_decidable(company: Company, signed_in: SignIn) -> None:
    both = person(company.market, "both", Role.SUPERVISOR, team=company.team)
    company.team.supervisors.add(both)
    waiting = asked(company, by=both)
    mine = signed_in(both)
    text = mine.get(f"/approvals/{waiting.pk}/").content.decode()
    assert "You asked for this, so another person decides it." in text
    assert 'name="decision"' not in text
    assert "asked by you" in text
    answer = mine.post(f"/approvals/{waiting.pk}/decide/", {"decision": "approve"})
    assert answer.status_code == 403
    waiting.refresh_from_db()
    assert waiting.state == "pending"


def test_above_an_authority_the_act_is_to_endorse(
    company: Company, supervisor: Client, signed_in: SignIn
) -> None:
    company.limit("agent", "day", "amount", 850_00)
    waiting = asked(company)
    text = supervisor.get("/approvals/").content.decode()
    assert "Above your authority. Endorse it, and finance decides." in text
    assert 'value="approve"' not in text
    path = f"/approvals/{waiting.pk}/decide/"
    refused = supervisor.post(path, {"decision": "approve"})
    assert refused.status_code == 409
    assert "Above your authority. Your own limit today leaves" in refused.content.decode()
    supervisor.post(path, {"decision": "pass_up", "reason": "La apoyo"})
    above = Approval.objects.get(level=2)
    text = supervisor.get(f"/approvals/{above.pk}/").content.decode()
    assert "waits for finance" in text
    finance = signed_in(company.elena)
    text = finance.get("/approvals/").content.decode()
    assert f"{company.supervisor.name} endorsed it." in text
    assert "La apoyo" in text
    finance.post(f"/approvals/{above.pk}/decide/", {"decision": "approve"})
    assert Compensation.objects.get().state == "issued"


def test_the_second_decider_sees_who_decided(
    company: Company, supervisor: Client, signed_in: SignIn
) -> None:
    waiting = asked(company)
    approve(approval=waiting, by=company.elena)
    answer = supervisor.post(
        f"/approvals/{waiting.pk}/decide/", {"decision": "reject", "reason": "No"}
    )
    assert answer.status_code == 409
    assert f"{company.elena.name} decided this on" in answer.content.decode()
    assert Compensation.objects.get().state == "issued"


def test_a_changed_case_is_said_and_ends_the_request(
    company: Company, incident: Incident, supervisor: Client
) -> None:
    waiting = asked(company, incident)
    Incident.objects.filter(pk=incident.pk).update(amount_at_stake_minor=5)
    assert "It can no longer be approved" in supervisor.get("/approvals/").content.decode()
    answer = supervisor.post(f"/approvals/{waiting.pk}/decide/", {"decision": "approve"})
    assert answer.status_code == 409
    assert "The case changed since this was asked" in answer.content.decode()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decision_reason) == ("lapsed", "case")


def test_who_comes_in(company: Company, desk: Client, signed_in: SignIn, auditor: Staff) -> None:
    waiting = asked(company)
    assert desk.get("/approvals/").status_code == 403
    reader = signed_in(auditor)
    text = reader.get("/approvals/").content.decode()
    assert WHY in text
    assert 'name="decision"' not in text
    assert (
        reader.post(f"/approvals/{waiting.pk}/decide/", {"decision": "approve"}).status_code == 403
    )
    elsewhere = signed_in(person(company.market, "elsewhere", Role.SUPERVISOR))
    assert elsewhere.get(f"/approvals/{waiting.pk}/").status_code == 404


def test_the_story_tells_of_the_request(company: Company, incident: Incident, desk: Client) -> None:
    company.limit("agent", "day", "amount", 850_00)
    waiting = asked(company, incident)
    above = pass_up(approval=waiting, by=company.supervisor)
    approve(approval=above, by=company.elena)
    text = desk.get(f"/incidents/{incident.folio}/").content.decode()
    assert "Asked for approval: large" in text
    assert "Endorsed and passed to finance" in text
    assert "Granted: large" in text
    assert "Recorded:" not in text
    with override("en"):
        told = story(incident, list(Compensation.objects.all()), [])
    started = next(entry for entry in told if entry.text == "Recovery started")
    assert started.who == company.elena.name


@pytest.mark.parametrize("times", [1, 6])
def test_more_requests_mean_no_more_queries(
    times: int, company: Company, supervisor: Client
) -> None:
    for _number in range(times):
        asked(company)
    with CaptureQueriesContext(connection) as queries:
        assert supervisor.get("/approvals/").status_code == 200
    assert len(queries) == INBOX
