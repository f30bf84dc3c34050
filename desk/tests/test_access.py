"""Who opens which page and may act: agent, stranger, supervisor, auditor, cashier, administrator.

Success and denial share one set-up, and a denial also shows that nothing was changed.
"""

import datetime as dt
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Staff
from audit.models import AuditEvent
from compensations.actions import grant
from compensations.models import Compensation
from compensations.tests.scenario import Company
from delivery.models import Message
from incidents.actions import make_promise
from incidents.models import ContactPoint, Incident, Promise

from .conftest import SignIn

LISTS = [
    "/",
    "/incidents/",
    "/incidents/new/",
    "/customers/",
    "/customers/new/",
    "/promises/",
    "/find/?q=mar",
    "/incidents/new/look-up/?customer_text=mar",
]


class Things:
    """One case with everything that hangs from it."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.incident: Incident = company.incident()
        self.compensation: Compensation = grant(
            incident=self.incident,
            offer=company.offers["coupon"],
            channel="handover",
            by=company.agent,
        )
        self.promise: Promise = make_promise(
            incident=self.incident,
            kind="call",
            due_at=timezone.now() + dt.timedelta(hours=1),
            by=company.agent,
        )
        self.contact = ContactPoint.objects.get(customer=self.incident.customer)
        self.message = Message.objects.get(ref=self.compensation.pk)

    @property
    def pages(self) -> list[str]:
        case = f"/incidents/{self.incident.folio}/"
        customer = f"/customers/{self.incident.customer_id}/"
        return [case, f"{case}others/", f"{case}messages/{self.message.pk}/way/", customer]

    @property
    def worker_pages(self) -> list[str]:
        case = f"/incidents/{self.incident.folio}/"
        return [
            f"{case}change/",
            f"{case}messages/{self.message.pk}/",
            f"/customers/{self.incident.customer_id}/change/",
        ]

    @property
    def acts(self) -> dict[str, dict[str, str]]:
        case = f"/incidents/{self.incident.folio}/"
        customer = f"/customers/{self.incident.customer_id}/"
        offer = self.company.offers["gift_card"]
        return {
            f"{case}promises/": {"kind": "call", "due_at": "2030-01-01T10:00"},
            f"{case}steps/": {"step": "apologise"},
            f"{case}resolve/": {"resolution": "Se cambió el cuarto."},
            f"{case}close/": {},
            f"{case}reopen/": {"reason": "Volvió a llamar."},
            f"{case}add/": {"narrative": "Llamó otra vez."},
            f"{case}change/": {"version": "1"},
            f"{case}grant/": {"offer": str(offer.pk)},
            f"{case}compensations/{self.compensation.pk}/send/": {"channel": "handover"},
            f"{case}compensations/{self.compensation.pk}/void/": {"reason": "Error"},
            f"{case}messages/{self.message.pk}/confirm/": {},
            f"{case}messages/{self.message.pk}/again/": {},
            f"{case}messages/{self.message.pk}/write-off/": {"reason": "Error"},
            f"/promises/{self.promise.pk}/end/": {"end": "kept"},
            f"{customer}change/": {"version": "1", "name": "Otra"},
            f"{customer}contacts/": {"kind": "phone", "value": "998 123 4567"},
            f"{customer}contacts/{self.contact.pk}/correct/": {
                "version": "1",
                "value": "otra@example.com",
            },
            f"{customer}contacts/{self.contact.pk}/remove/": {"version": "1"},
        }

    @property
    def comments(self) -> dict[str, dict[str, str]]:
        """What finance may do as well."""
        customer = f"/customers/{self.incident.customer_id}/"
        return {
            f"/incidents/{self.incident.folio}/notes/": {"body": "Nota"},
            f"{customer}contacts/{self.contact.pk}/reveal/": {"reason": "La llamo hoy"},
        }


@pytest.fixture
def things(company: Company) -> Things:
    return Things(company)


def changes() -> int:
    return AuditEvent.objects.count()


@pytest.mark.parametrize("who", ["agent", "supervisor"])
def test_workers_open_every_page(
    who: str, company: Company, things: Things, signed_in: SignIn
) -> None:
    client = signed_in(getattr(company, who))
    for path in [*LISTS, *things.pages, *things.worker_pages]:
        assert client.get(path).status_code == 200, path


def test_the_auditor_reads_and_cannot_act(
    auditor: Staff, things: Things, signed_in: SignIn
) -> None:
    client = signed_in(auditor)
    for path in ["/incidents/", "/customers/", "/promises/", "/find/?q=mar", *things.pages]:
        assert client.get(path).status_code == 200, path
    before = changes()
    for path in ["/incidents/new/", "/customers/new/", *things.worker_pages]:
        assert client.get(path).status_code == 403, path
    for path, data in {**things.acts, **things.comments}.items():
        assert client.post(path, data).status_code == 403, path
    assert client.post("/incidents/new/", {}).status_code == 403
    assert changes() == before


def test_the_auditor_sees_no_button_to_act(
    auditor: Staff, things: Things, signed_in: SignIn
) -> None:
    text = signed_in(auditor).get(f"/incidents/{things.incident.folio}/").content.decode()
    assert things.incident.narrative in text
    assert "Grant and send" not in text
    assert 'method="post" action="/incidents/' not in text


def test_finance_comments_and_grants_nothing(
    company: Company, things: Things, signed_in: SignIn
) -> None:
    client = signed_in(company.elena)
    for path, data in things.comments.items():
        assert client.post(path, data).status_code in {200, 302}, path
    before = changes()
    for path, data in things.acts.items():
        assert client.post(path, data).status_code == 403, path
    assert changes() == before


def test_another_market_answers_as_if_nothing_were_there(
    things: Things, elsewhere: Company, signed_in: SignIn
) -> None:
    client = signed_in(elsewhere.agent)
    before = changes()
    for path in [*things.pages, *things.worker_pages]:
        assert client.get(path).status_code == 404, path
    for path, data in {**things.acts, **things.comments}.items():
        assert client.post(path, data).status_code == 404, path
    assert changes() == before
    for path in ("/incidents/", "/customers/", "/promises/?whose=all", "/find/?q=Mariana"):
        text = client.get(path).content.decode()
        assert things.incident.folio not in text, path
        assert str(things.incident.customer_id) not in text, path


@pytest.mark.parametrize("who", ["cashier", "administrator"])
def test_those_without_a_desk_are_refused(
    who: str, company: Company, things: Things, signed_in: SignIn
) -> None:
    client = signed_in(getattr(company, who))
    for path in [*LISTS[1:6], *things.pages]:
        assert client.get(path).status_code == 403, path
    assert client.get("/").status_code == 302


def test_a_visitor_is_asked_to_sign_in_and_comes_back(client: Client, things: Things) -> None:
    path = f"/incidents/{things.incident.folio}/"
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")
    assert things.incident.folio in answer["Location"]


@pytest.mark.parametrize(
    ("who", "target"),
    [("cashier", "/counter/"), ("administrator", "/administration/"), ("elena", "/finance/")],
)
def test_home_leads_each_role_to_its_work(
    who: str, target: str, company: Company, signed_in: SignIn
) -> None:
    answer = signed_in(getattr(company, who)).get("/")
    assert (answer.status_code, answer["Location"]) == (302, target)


def test_unknown_things_are_404(desk: Client, things: Things) -> None:
    nobody = uuid.uuid4()
    case = f"/incidents/{things.incident.folio}/"
    for path in (
        "/incidents/MX-2026-999999/",
        f"/customers/{nobody}/",
        f"{case}messages/{nobody}/way/",
        f"{case}messages/{nobody}/",
    ):
        assert desk.get(path).status_code == 404, path
    assert desk.post(f"/promises/{nobody}/end/", {"end": "kept"}).status_code == 404


def test_acts_that_are_read_lead_to_their_page(desk: Client, things: Things) -> None:
    """A refused form leaves its address in the bar; entering it again must not end on nothing."""
    for path in things.acts:
        if path.endswith("change/"):
            continue
        answer = desk.get(path)
        assert answer.status_code == 302, path
        page = answer["Location"]
        assert page == "/" or path.startswith(page) or things.incident.folio in page, path
        assert desk.get(page).status_code == 200, path
        assert desk.put(path).status_code == 405, path


def test_an_address_asked_in_a_way_it_does_not_take_is_a_page(desk: Client) -> None:
    answer = desk.post("/find/")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"
    assert "This address only takes a form" in answer.content.decode()


def _next(location: str) -> str:
    place = urlsplit(location)
    assert place.path == "/accounts/login/"
    return parse_qs(place.query)["next"][0]


def test_a_form_sent_after_the_session_ended_comes_back_to_its_page(
    client: Client, things: Things
) -> None:
    case = f"/incidents/{things.incident.folio}/"
    here = "http://testserver"
    for referer, back in (
        (f"{here}{case}?show=notes", f"{case}?show=notes"),
        ("https://elsewhere.example/incidents/", f"{case}notes/"),
        ("", f"{case}notes/"),
        (f"{here}.example{case}", f"{case}notes/"),
    ):
        answer = client.post(f"{case}notes/", {"body": "x"}, headers={"Referer": referer})
        assert _next(answer["Location"]) == back, referer
    # Where the form's own address is all there is, reading it leads to the case as well.
    assert client.get(f"{case}notes/")["Location"] == case


def test_a_background_request_without_a_session_leaves_the_page_alone(client: Client) -> None:
    answer = client.post("/incidents/new/panel/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert not {"HX-Redirect", "Location"} & set(answer.headers)
