"""Customers and incidents over the API: who, what is refused, versions, filters, pages."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Staff
from accounts.states import Role
from accounts.tests.factories import StaffFactory
from audit.models import AuditEvent
from incidents.models import Customer, Incident

from .calls import Caller, as_client, as_staff
from .conftest import Desk
from .factories import IncidentFactory


@pytest.fixture
def caller(desk: Desk) -> Caller:
    return as_staff(desk.agent)


def body(desk: Desk, **fields: Any) -> dict[str, Any]:
    return {
        "customer": str(desk.customer().pk),
        "category": "room",
        "narrative": "No había agua caliente.",
        "channel": "phone",
        **fields,
    }


def test_an_incident_is_logged_and_read_back(desk: Desk, caller: Caller) -> None:
    sent = body(desk, location="CUN", order_ref="R-1", amount_at_stake_minor=150_00)
    answer = caller.post("/incidents", sent)
    assert answer.status_code == 201, answer.json()
    told = answer.json()
    assert told["folio"].startswith("MX-")
    assert told["category"] == {"code": "room", "name": "Motivo room", "parent": None}
    assert (told["severity"], told["currency"], told["version"]) == ("moderate", "MXN", 1)
    assert told["location"]["code"] == "CUN"
    assert told["owner"]["id"] == str(desk.agent.pk)
    assert caller.get(f"/incidents/{told['folio']}").json() == told
    assert [row["folio"] for row in caller.get("/incidents").json()["results"]] == [told["folio"]]


def test_a_session_logs_too_with_its_csrf_token(desk: Desk) -> None:
    http = Client(enforce_csrf_checks=True)
    http.force_login(desk.agent)
    refused = http.post("/api/v1/incidents", body(desk), content_type="application/json")
    assert refused.status_code == 403
    assert not Incident.objects.exists()
    http.cookies["csrf"] = "a" * 32
    answer = http.post(
        "/api/v1/incidents",
        body(desk),
        content_type="application/json",
        headers={"X-CSRFToken": "a" * 32},
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("narrative", "", 400),
        ("narrative", "x" * 5001, 400),
        ("channel", "pigeon", 400),
        ("amount_at_stake_minor", -1, 400),
        ("amount_at_stake_minor", 10**13, 400),
        ("amount_at_stake_minor", 1.5, 400),
        ("customer", "not a key", 400),
        ("customer", "018bcfe6-30c8-73bd-8b56-27ac01736c40", 422),
        ("category", "nothing", 422),
        ("location", "NOWHERE", 422),
        ("severity", "critical", 422),
        ("occurred_at", "2999-01-01T00:00:00Z", 422),
        ("occurred_at", "2026-01-01 10:00", 400),
        ("source_ref", "x", 400),
        ("surprise", 1, 400),
        ("folio", "MX-2026-1", 400),
        ("state", "closed", 400),
    ],
)
def test_what_is_out_of_bounds_is_named(
    desk: Desk, caller: Caller, field: str, value: object, status: int
) -> None:
    answer = caller.post("/incidents", body(desk, **{field: value}))
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    names = set(answer.json()["errors"])
    assert names == {
        "severity_reason" if field == "severity" else field if field != "source_ref" else "source"
    }
    assert not Incident.objects.exists()


def test_all_that_is_wrong_with_a_customer_is_said_at_once(caller: Caller) -> None:
    sent = {"name": " ", "phone": "998 123", "email": "trial@@example"}
    answer = caller.post("/customers", sent)
    assert answer.status_code == 422
    told = answer.json()
    assert told["code"] == "invalid_input"
    assert set(told["errors"]) == {"name", "phone", "email"}
    one = caller.post("/customers", {**sent, "name": "Ana", "phone": ""}).json()
    assert set(one["errors"]) == {"email"}
    assert not Customer.objects.exists()


def test_all_that_is_wrong_with_an_incident_is_said_at_once(desk: Desk, caller: Caller) -> None:
    sent = body(desk, severity="critical", occurred_at="2099-01-01T10:00:00Z")
    answer = caller.post("/incidents", sent)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"severity_reason", "occurred_at"}


def test_customers_are_created_and_masked(desk: Desk, caller: Caller) -> None:
    answer = caller.post(
        "/customers",
        {"name": "Mariana López", "phone": "5512345678", "email": "mariana@example.com"},
    )
    assert answer.status_code == 201, answer.json()
    told = answer.json()
    assert {point["masked"] for point in told["contacts"]} == {"+52 •••• •• 78", "m•••@example.com"}
    for path in ("/customers", f"/customers/{told['id']}"):
        text = caller.get(path).content.decode()
        assert "5512345678" not in text
        assert "mariana@" not in text
    assert caller.get("/customers", q="maraina lopes").json()["results"][0]["id"] == told["id"]
    assert caller.get("/customers", phone="55 1234 5678").json()["results"][0]["id"] == told["id"]
    assert caller.get("/customers", phone="1234").json()["results"] == []


def test_an_agent_sets_no_segment(desk: Desk, caller: Caller) -> None:
    answer = caller.post("/customers", {"name": "Mariana", "segment": "vip"})
    assert answer.status_code == 403
    assert not Customer.objects.exists()
    customer = desk.customer()
    patch = {"version": 1, "segment": "vip"}
    assert caller.patch(f"/customers/{customer.pk}", patch).status_code == 403
    finance = as_staff(StaffFactory.create(market=desk.market, roles=[Role.FINANCE]))
    told = finance.patch(f"/customers/{customer.pk}", patch).json()
    assert (told["segment"], told["version"]) == ("vip", 2)
    answer = finance.patch(f"/customers/{customer.pk}", {"version": 1, "segment": "valued"})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    client = as_client(desk.market, "customers:write")
    answer = client.post("/customers", {"name": "Ana", "segment": "valued", "external_ref": "C-1"})
    told = answer.json()
    assert (told["segment"], told["version"]) == ("valued", 2)
    changed = {"version": 2, "name": "Ana Ruiz", "segment": "vip", "phone": "5512345678"}
    told = client.patch(f"/customers/{told['id']}", changed).json()
    assert (told["name"], told["segment"], told["version"]) == ("Ana Ruiz", "vip", 4)


def test_a_stale_patch_of_a_customer_is_a_conflict(desk: Desk, caller: Caller) -> None:
    customer = desk.customer()
    path = f"/customers/{customer.pk}"
    told = caller.patch(path, {"version": 1, "name": "Mariana Solís", "phone": "5512345678"}).json()
    assert (told["name"], told["version"], len(told["contacts"])) == ("Mariana Solís", 2, 1)
    for late in ({"name": "Otra"}, {"email": "una@example.com"}, {"segment": "vip"}, {}):
        answer = as_client(desk.market, "customers:write").patch(path, {"version": 1, **late})
        assert answer.status_code == 409, late
        assert (answer.json()["code"], answer.json()["version"]) == ("stale", 2)
    assert caller.patch(path, {"name": "Otra"}).json()["errors"].keys() == {"version"}
    assert caller.get(path).json() == told


def test_a_client_looks_up_and_never_lists(desk: Desk) -> None:
    customer = desk.customer(external_ref="C-9", email="una@example.com")
    client = as_client(desk.market, "customers:write")
    assert client.get("/customers").status_code == 400
    assert client.get("/customers", q="mariana").status_code == 400
    assert client.get("/customers", external_ref=" ").status_code == 400
    for query in ({"external_ref": "C-9"}, {"email": "UNA@example.com"}):
        assert [row["id"] for row in client.get("/customers", **query).json()["results"]] == [
            str(customer.pk)
        ]


def test_a_client_sends_incidents_and_sees_its_own(desk: Desk) -> None:
    desk.incident()
    client = as_client(desk.market, "incidents:write")
    sent = body(desk, source="crm", source_ref="77")
    answer = client.post("/incidents", sent)
    assert answer.status_code == 201
    again = client.post("/incidents", sent)
    assert (again.status_code, again.json()["code"]) == (409, "already_logged")
    assert again.json()["folio"] == answer.json()["folio"]
    assert [row["folio"] for row in client.get("/incidents").json()["results"]] == [
        answer.json()["folio"]
    ]
    answer = client.patch(
        f"/incidents/{answer.json()['folio']}",
        {"version": 1, "state": "resolved", "resolution": "x"},
    )
    assert answer.status_code == 422
    assert Incident.objects.filter(state="open").count() == 2


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        (Role.AGENT, True, True),
        (Role.SUPERVISOR, True, True),
        (Role.FINANCE, True, False),
        (Role.AUDITOR, True, False),
        (Role.ADMINISTRATOR, False, False),
        (Role.CASHIER, False, False),
    ],
)
def test_who_may_do_what(desk: Desk, role: Role, reads: bool, writes: bool) -> None:
    incident = desk.incident()
    sent = body(desk)
    person: Staff = StaffFactory.create(market=desk.market, roles=[role])
    caller = as_staff(person)
    before = (Incident.objects.count(), Customer.objects.count(), AuditEvent.objects.count())
    for path in ("/incidents", "/customers", f"/incidents/{incident.folio}"):
        assert (caller.get(path).status_code == 200) == reads, path
    answers = [
        caller.post("/incidents", sent),
        caller.post("/customers", {"name": "Ana"}),
        caller.patch(f"/incidents/{incident.folio}", {"version": 1, "order_ref": "R-2"}),
    ]
    assert {answer.status_code for answer in answers} == ({200, 201} if writes else {403})
    after = (Incident.objects.count(), Customer.objects.count(), AuditEvent.objects.count())
    assert (after == before) != writes


@pytest.mark.parametrize("scope", ["coupons:validate", "coupons:redeem", "customers:write"])
def test_a_client_without_the_scope_gets_nothing(desk: Desk, scope: str) -> None:
    incident = desk.incident()
    client = as_client(desk.market, scope)
    assert client.get("/incidents").status_code == 403
    assert client.post("/incidents", body(desk)).status_code == 403
    assert client.get(f"/incidents/{incident.folio}").status_code == 403
    assert Incident.objects.count() == 1


def test_nobody_is_asked_to_sign_in(desk: Desk) -> None:
    incident = desk.incident()
    for path in ("/incidents", "/customers", f"/incidents/{incident.folio}"):
        assert Caller().get(path).status_code == 401


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("category", "room-late", ": noise, room."),
        ("location", "NOWHERE", "CUN"),
        ("channel", "pigeon", "phone"),
        ("customer", "019a9f0e-5b77-7a10-8a5e-91f3c1d2e4b6", "GET /customers"),
    ],
)
def test_a_choice_that_is_none_says_what_may_be_chosen(
    desk: Desk, caller: Caller, field: str, value: str, said: str
) -> None:
    told = caller.post("/incidents", body(desk, **{field: value})).json()
    assert said in told["errors"][field][0]


def test_a_filter_that_is_none_of_its_choices_names_them(desk: Desk, caller: Caller) -> None:
    told = caller.get("/incidents?severity=x").json()
    assert "minor, moderate, critical" in told["errors"]["severity"][0]


def test_foreign_and_unknown_look_the_same(desk: Desk, abroad: Desk, caller: Caller) -> None:
    foreign = abroad.incident()
    unknown = caller.get("/incidents/MX-2026-999999").json()
    told = caller.get(f"/incidents/{foreign.folio}").json()
    for answer in (unknown, told):
        answer.pop("request_id")
    assert unknown == told
    assert unknown["status"] == 404
    answer = caller.patch(f"/incidents/{foreign.folio}", {"version": 1, "order_ref": "R-2"})
    assert answer.status_code == 404
    assert caller.get(f"/customers/{foreign.customer_id}").status_code == 404
    answer = caller.post("/incidents", {**body(desk), "customer": str(foreign.customer_id)})
    assert answer.status_code == 422
    foreign.refresh_from_db()
    assert (foreign.order_ref, foreign.version) == ("", 1)
    assert not Incident.objects.filter(market=desk.market).exists()


def test_a_stale_patch_is_a_conflict(desk: Desk, caller: Caller) -> None:
    incident = desk.incident()
    path = f"/incidents/{incident.folio}"
    assert caller.patch(path, {"version": 1, "order_ref": "R-1"}).json()["version"] == 2
    answer = caller.patch(path, {"version": 1, "order_ref": "R-2"})
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["version"]) == ("stale", 2)
    assert caller.patch(path, {"order_ref": "R-3"}).json()["errors"].keys() == {"version"}
    incident.refresh_from_db()
    assert incident.order_ref == "R-1"


def test_a_patch_moves_the_case(desk: Desk, caller: Caller) -> None:
    path = f"/incidents/{desk.incident().folio}"
    answer = caller.patch(path, {"version": 1, "state": "resolved"})
    assert answer.json()["errors"].keys() == {"resolution"}
    answer = caller.patch(path, {"version": 1, "state": "closed"})
    assert (answer.status_code, answer.json()["code"]) == (409, "transition_refused")
    answer = caller.patch(
        path, {"version": 1, "order_ref": "R-1", "state": "resolved", "resolution": "Otro cuarto"}
    )
    assert (answer.json()["state"], answer.json()["version"]) == ("resolved", 3)
    assert caller.patch(path, {"version": 3, "state": "closed"}).json()["state"] == "closed"
    answer = caller.patch(path, {"version": 4, "order_ref": "R-2"})
    assert answer.json()["code"] == "incident_closed"
    answer = caller.patch(path, {"version": 4, "state": "in_recovery", "reason": "volvió"})
    assert answer.json()["state"] == "in_recovery"


def test_an_idempotency_key_is_taken_when_sent(desk: Desk, caller: Caller) -> None:
    sent = body(desk)
    first = caller.post("/incidents", sent, **{"Idempotency-Key": "k1"})
    second = caller.post("/incidents", sent, **{"Idempotency-Key": "k1"})
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    other = caller.post("/incidents", {**sent, "narrative": "Otra"}, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert Incident.objects.count() == 1


def test_every_filter_narrows(desk: Desk, abroad: Desk, caller: Caller) -> None:
    old = IncidentFactory.create(
        market=desk.market, category=desk.room, logged_at=timezone.now() - dt.timedelta(days=20)
    )
    mine = desk.incident(
        category=desk.noise,
        channel="email",
        location=desk.location,
        narrative="Ruido en el pasillo",
        severity="critical",
        severity_reason="no durmió",
        source="crm",
        source_ref="1",
    )
    abroad.incident()
    today = timezone.now().date()
    cases: list[tuple[dict[str, Any], set[Incident]]] = [
        ({}, {mine, old}),
        ({"market": "MX"}, {mine, old}),
        ({"market": "CO"}, set()),
        ({"state": "open"}, {mine, old}),
        ({"state": "closed"}, set()),
        ({"state": ["open", "closed"]}, {mine, old}),
        ({"severity": "critical"}, {mine}),
        ({"category": "noise"}, {mine}),
        ({"category": "room"}, {mine, old}),
        ({"channel": "email"}, {mine}),
        ({"location": "cun"}, {mine}),
        ({"owner": str(desk.agent.pk)}, {mine}),
        ({"team": desk.team.pk}, {mine}),
        ({"team": abroad.team.pk}, set()),
        ({"customer": str(mine.customer_id)}, {mine}),
        ({"logged_from": str(today - dt.timedelta(days=2))}, {mine}),
        ({"logged_to": str(today - dt.timedelta(days=2))}, {old}),
        ({"source": "crm"}, {mine}),
        ({"q": "pasillo"}, {mine}),
        ({"q": "pasillo", "state": "closed"}, set()),
    ]
    for query, found in cases:
        answer = caller.get("/incidents", **query)
        assert answer.status_code == 200, (query, answer.json())
        assert {row["folio"] for row in answer.json()["results"]} == {row.folio for row in found}, (
            query
        )


@pytest.mark.parametrize(
    "query",
    [
        {"status": "open"},
        {"state": "nearly"},
        {"severity": "x"},
        {"owner": "me"},
        {"team": "a"},
        {"team": "9" * 40},
        {"logged_from": "31/12/2026"},
        {"q": "x" * 121},
        {"cursor": "abc"},
    ],
)
def test_a_filter_that_is_not_understood_is_refused(
    desk: Desk, caller: Caller, query: dict[str, str]
) -> None:
    answer = caller.get("/incidents", **query)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == set(query)


def test_dates_the_wrong_way_round_are_refused(caller: Caller) -> None:
    answer = caller.get("/incidents", logged_from="2026-03-02", logged_to="2026-03-01")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"] == {
        "logged_to": [gettext("The last date is before the first one.")]
    }
    same = caller.get("/incidents", logged_from="2026-03-01", logged_to="2026-03-01")
    assert same.status_code == 200


@pytest.mark.parametrize("size", ["0", "201", "-1", "many", "", "00010000"])
def test_a_size_out_of_bounds_is_refused(caller: Caller, size: str) -> None:
    answer = caller.get("/incidents", page_size=size)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["page_size"]


def test_pages_by_cursor_in_the_same_number_of_queries(desk: Desk, caller: Caller) -> None:
    made = [desk.incident().folio for _number in range(5)]
    caller.get("/incidents")

    def counted(size: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            caller.get("/incidents", page_size=size)
        return len(queries)

    assert counted(1) == counted(5)
    seen: list[str] = []
    answer = caller.get("/incidents", page_size=2).json()
    while True:
        seen += [row["folio"] for row in answer["results"]]
        if answer["next"] is None:
            break
        answer = caller.http.get(answer["next"], headers=caller.headers).json()
    assert seen == made[::-1]


def test_logging_over_http_takes_few_queries(desk: Desk, caller: Caller) -> None:
    sent = body(desk)
    caller.post("/incidents", sent)
    with CaptureQueriesContext(connection) as queries:
        assert caller.post("/incidents", sent).status_code == 201
    # Key, roles, customer, category, savepoint, folio, row, step, audit, release, team.
    assert len(queries) <= 12


def test_a_patch_names_the_customer_of_an_imported_case(desk: Desk, caller: Caller) -> None:
    nobody, mariana = desk.customer("Sin identificar"), desk.customer()
    Customer.objects.filter(pk=nobody.pk).update(external_ref="~import:1")
    incident = desk.incident(nobody)
    address = f"/incidents/{incident.folio}"
    missing = caller.patch(address, {"version": 1, "customer": str(incident.pk)})
    assert missing.status_code == 422
    answer = caller.patch(address, {"version": 1, "customer": str(mariana.pk), "order_ref": "R-1"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["customer"]["id"] == str(mariana.pk)
    assert answer.json()["order_ref"] == "R-1"
    version = answer.json()["version"]
    other = caller.patch(address, {"version": version, "customer": str(desk.customer("Otra").pk)})
    assert (other.status_code, other.json()["code"]) == (409, "customer_known")
    same = caller.patch(address, {"version": version, "customer": str(mariana.pk)})
    assert same.status_code == 200
