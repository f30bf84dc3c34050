"""Offers, grants, lists and voids over the API."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext

from accounts.states import Role, Scope
from compensations.actions import grant, redeem
from compensations.models import Compensation, Coupon, IssuanceLimit, LedgerEntry
from delivery.actions import confirm_handover
from delivery.models import Message
from incidents.models import Incident

from .calls import Caller, as_client, as_staff, everything
from .scenario import Company, build, code_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(company: Company) -> Caller:
    return as_staff(company.agent)


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


def _offers(incident: Incident) -> str:
    return f"/incidents/{incident.folio}/offers"


def _grants(incident: Incident) -> str:
    return f"/incidents/{incident.folio}/compensations"


def _void(row: Compensation | Any) -> str:
    return f"/compensations/{row['id'] if isinstance(row, dict) else row.pk}/void"


# --- offers --------------------------------------------------------------------------------------


def test_offers_say_range_room_and_the_tightest_limit(
    company: Company, agent: Caller, incident: Incident
) -> None:
    company.limit("agent", "day", "amount", 5_000_00)
    company.limit("customer", "month", "amount", 250_00)
    company.limit("agent", "day", "count", 40)
    answer = agent.get(_offers(incident))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["incident"], body["currency"], body["scale_version"]) == (
        incident.folio,
        "MXN",
        company.scale.number,
    )
    offers = {offer["kind"]: offer for offer in body["offers"]}
    coupon = offers["coupon"]
    assert (coupon["minimum_minor"], coupon["default_minor"], coupon["maximum_minor"]) == (
        100_00,
        200_00,
        300_00,
    )
    assert (coupon["room"]["scope"], coupon["room"]["left"]) == ("customer", 250_00)
    assert len(coupon["rooms"]) == 3
    assert coupon["refusal"] is None
    assert offers["gift_card"]["refusal"]["code"] == "limit_exceeded"
    assert offers["full_refund"]["rooms"] == []
    assert offers["courtesy"]["needs_approval"] is True
    assert offers["partial_refund"]["default_minor"] == 500_00


def test_an_offer_that_was_granted_says_so(
    company: Company, agent: Caller, incident: Incident
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    offers = {offer["kind"]: offer for offer in agent.get(_offers(incident)).json()["offers"]}
    assert offers["coupon"]["already_granted"] == str(made.pk)
    assert offers["coupon"]["refusal"]["code"] == "already_granted"
    assert offers["gift_card"]["already_granted"] is None


def test_an_offer_that_was_granted_under_another_version_says_so(
    company: Company, agent: Caller, incident: Incident
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    dearer = company.republish("coupon", maximum=350_00)
    offers = {offer["id"]: offer for offer in agent.get(_offers(incident)).json()["offers"]}
    assert offers[dearer.pk]["already_granted"] == str(made.pk)
    answer = agent.post(_grants(incident), {"offer": dearer.pk})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_granted")


def test_refunds_above_what_was_at_stake_are_refused(
    company: Company, agent: Caller, incident: Incident
) -> None:
    grant(incident=incident, offer=company.offers["refund"], by=company.agent)
    wanted = {"offer": company.offers["statutory"].pk, "reason": "Lo exige."}
    answer = agent.post(_grants(incident), wanted)
    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["at_stake"], body["left"]) == (
        "refund_above_stake",
        2_000_00,
        1_500_00,
    )
    offers = {offer["kind"]: offer for offer in agent.get(_offers(incident)).json()["offers"]}
    assert offers["full_refund"]["refusal"]["code"] == "refund_above_stake"
    assert offers["full_refund"]["requestable"] is False


def test_no_less_is_at_stake_than_is_refunded(
    company: Company, agent: Caller, incident: Incident
) -> None:
    grant(incident=incident, offer=company.offers["refund"], by=company.agent)
    incident.refresh_from_db()
    wanted = {"version": incident.version, "amount_at_stake_minor": 499_99}
    answer = agent.patch(f"/incidents/{incident.folio}", wanted)
    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["refunded"], body["currency"]) == (
        "stake_below_refunds",
        500_00,
        "MXN",
    )
    assert body["errors"].keys() == {"amount_at_stake_minor"}


def test_resolving_names_what_nobody_confirmed(
    company: Company, agent: Caller, incident: Incident
) -> None:
    """As on the page: it is said and does not stop anybody."""
    path = f"/incidents/{incident.folio}"
    made = grant(
        incident=incident, offer=company.offers["coupon"], channel="handover", by=company.agent
    )
    grant(incident=incident, offer=company.offers["refund"], channel="email", by=company.agent)
    incident.refresh_from_db()
    changed = agent.patch(path, {"version": incident.version, "order_ref": "R-2"}).json()
    assert changed["warnings"] == []
    resolving = {"version": changed["version"], "state": "resolved", "resolution": "Otro cuarto."}
    answer = agent.patch(path, resolving)
    assert (answer.status_code, answer.json()["state"]) == (200, "resolved")
    assert answer.json()["warnings"] == [
        {
            "code": "not_handed_over",
            "detail": gettext("Nobody confirmed that the customer has “%(offer)s”.")
            % {"offer": made.offer.name},
            "compensation": str(made.pk),
        }
    ]


def test_resolving_is_silent_of_what_was_handed_over(
    company: Company, agent: Caller, incident: Incident
) -> None:
    made = grant(
        incident=incident, offer=company.offers["coupon"], channel="handover", by=company.agent
    )
    confirm_handover(message=Message.objects.get(ref=made.pk), by=company.agent)
    incident.refresh_from_db()
    resolving = {"version": incident.version, "state": "resolved", "resolution": "Otro cuarto."}
    answer = agent.patch(f"/incidents/{incident.folio}", resolving)
    assert (answer.json()["state"], answer.json()["warnings"]) == ("resolved", [])


def test_a_hole_of_the_scale_has_no_offers(company: Company, agent: Caller) -> None:
    hole = company.incident(severity="critical", severity_reason="Se cayó")
    assert agent.get(_offers(hole)).json()["offers"] == []


def test_looking_changes_nothing(company: Company, agent: Caller, incident: Incident) -> None:
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    company.limit("agent", "day", "amount", 5_000_00)
    before = everything()
    assert agent.get(_offers(incident)).status_code == 200
    assert agent.get("/compensations", state="issued").status_code == 200
    assert everything() == before


# --- grant ---------------------------------------------------------------------------------------


def test_a_grant_makes_the_coupon_the_message_and_the_entries(
    company: Company, agent: Caller, incident: Incident
) -> None:
    answer = agent.post(_grants(incident), {"offer": company.offers["coupon"].pk})
    assert answer.status_code == 201
    body = answer.json()
    made = Compensation.objects.get()
    assert body["id"] == str(made.pk)
    assert (body["face_minor"], body["state"], body["incident"]) == (
        200_00,
        "issued",
        incident.folio,
    )
    coupon = Coupon.objects.get()
    assert body["coupon"]["last_four"] == coupon.last_four
    assert code_of(made) not in answer.content.decode()
    assert Message.objects.get().ref == made.pk
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    agent.post(_grants(incident), {"offer": company.offers["gift_card"].pk, "amount_minor": 50000})
    assert Compensation.objects.count() == 2


def test_the_same_key_grants_once_and_another_body_is_refused(
    company: Company, agent: Caller, incident: Incident
) -> None:
    offer = company.offers["coupon"].pk
    first = agent.post(_grants(incident), {"offer": offer}, key="K")
    after = everything()
    again = agent.post(_grants(incident), {"offer": offer}, key="K")
    assert (again.status_code, again.content) == (201, first.content)
    other = agent.post(_grants(incident), {"offer": offer, "amount_minor": 10000}, key="K")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert everything() == after


def test_granting_takes_few_trips(company: Company, agent: Caller, incident: Incident) -> None:
    """Key with roles; the key's lock with the case's id; its rows with locks and all that is in
    force for it; and one trip for everything that is written, the answer included."""
    company.limit("team", "day", "amount", 5_000_00)
    offer = company.offers["coupon"].pk
    agent.post(_grants(company.incident()), {"offer": offer}, key="warm")
    with CaptureQueriesContext(connection) as queries:
        assert agent.post(_grants(incident), {"offer": offer}, key="K").status_code == 201
    assert len(queries) == 4, [query["sql"][:80] for query in queries]


def test_a_refusal_of_the_last_trip_is_the_answer_to_its_key(
    company: Company, agent: Caller, incident: Incident
) -> None:
    limit = company.limit("team", "day", "amount", 100_00)
    offer = {"offer": company.offers["coupon"].pk}
    first = agent.post(_grants(incident), offer, key="K")
    assert (first.status_code, first.json()["code"]) == (409, "limit_exceeded")
    # Even when there is room by now.
    IssuanceLimit.objects.filter(pk=limit.pk).update(state="retired")
    again = agent.post(_grants(incident), offer, key="K")
    assert (again.status_code, again.content) == (409, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert not Compensation.objects.exists()
    assert agent.post(_grants(incident), offer, key="L").status_code == 201


@pytest.mark.parametrize(
    ("offer", "fields", "status", "code", "field"),
    [
        ("coupon", {"amount_minor": 301_00}, 422, "out_of_range", "amount_minor"),
        ("coupon", {"amount_minor": 99_99}, 422, "out_of_range", "amount_minor"),
        ("large", {"amount_minor": 900_00}, 409, "needs_approval", "amount_minor"),
        ("coupon", {"channel": "sms"}, 422, "invalid_input", "channel"),
        ("gift_card", {}, 409, "limit_exceeded", "amount_minor"),
    ],
)
def test_a_refused_grant_names_the_rule_and_changes_nothing(
    company: Company,
    agent: Caller,
    incident: Incident,
    offer: str,
    fields: dict[str, Any],
    status: int,
    code: str,
    field: str,
) -> None:
    company.limit("agent", "day", "amount", 400_00)
    before = everything(but=("accounts_idempotentanswer",))
    answer = agent.post(_grants(incident), {"offer": company.offers[offer].pk, **fields})
    body = answer.json()
    assert (answer.status_code, body["code"], list(body["errors"])) == (status, code, [field])
    assert body["type"] == f"urn:recovery:problem:{code}"
    assert everything(but=("accounts_idempotentanswer",)) == before
    if code == "limit_exceeded":
        assert (body["scope"], body["window"], body["left"]) == ("agent", "day", 400_00)


def test_an_offer_outside_the_live_rule_is_refused(
    company: Company, agent: Caller, incident: Incident
) -> None:
    foreign = build("CO").offers["coupon"]
    for offer in (foreign.pk, 2**62):
        answer = agent.post(_grants(incident), {"offer": offer})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_in_scale")
    assert not Compensation.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "offer"),
        ({"offer": "coupon"}, "offer"),
        ({"offer": 0}, "offer"),
        ({"offer": 2**63}, "offer"),
        ({"offer": 1, "amount_minor": -1}, "amount_minor"),
        ({"offer": 1, "amount_minor": 1.5}, "amount_minor"),
        ({"offer": 1, "channel": "pigeon"}, "channel"),
        ({"offer": 1, "by": "me"}, "by"),
    ],
)
def test_a_grant_of_the_wrong_shape_is_refused_by_field(
    agent: Caller, incident: Incident, body: dict[str, Any], field: str
) -> None:
    answer = agent.post(_grants(incident), body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


# --- void ----------------------------------------------------------------------------------------


def test_the_granting_agent_voids_within_ten_minutes(
    company: Company, agent: Caller, incident: Incident
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    answer = agent.post(_void(made), {"reason": "Wrong case"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["void_reason"], body["coupon"]["state"]) == (
        "voided",
        "Wrong case",
        "voided",
    )
    again = agent.post(_void(made), {"reason": "Wrong case"})
    assert (again.status_code, again.json()["code"]) == (409, "void_refused")


def test_afterwards_a_supervisor_of_the_team(
    company: Company, agent: Caller, incident: Incident
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    Compensation.objects.update(created_at=timezone.now() - dt.timedelta(minutes=11))
    late = agent.post(_void(made), {"reason": "Late"})
    assert (late.status_code, late.json()["code"]) == (403, "void_window_over")
    colleague = as_staff(company.colleague).post(_void(made), {"reason": "Not mine"})
    assert (colleague.status_code, colleague.json()["code"]) == (403, "not_allowed")
    done = as_staff(company.supervisor).post(_void(made), {"reason": "Customer called"})
    assert done.status_code == 200


def test_a_redeemed_coupon_is_not_voided(
    company: Company, agent: Caller, incident: Incident
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    redeem(code=code_of(made), external_transaction_id="T", market=company.market, by=company.till)
    answer = agent.post(_void(made), {"reason": "Too late"})
    assert (answer.status_code, answer.json()["code"]) == (409, "void_refused")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 301}])
def test_a_void_needs_a_reason(
    company: Company, agent: Caller, incident: Incident, body: dict[str, str]
) -> None:
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    answer = agent.post(_void(made), body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["reason"])


# --- list ----------------------------------------------------------------------------------------


def test_the_list_pages_by_key_and_meets_every_row_once(company: Company, agent: Caller) -> None:
    made = [
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
        for _number in range(5)
    ]
    seen: list[str] = []
    query: dict[str, Any] = {"page_size": 2}
    while True:
        body = agent.get("/compensations", **query).json()
        seen += [row["id"] for row in body["results"]]
        if body["next"] is None:
            break
        query = {name: value[0] for name, value in parse_qs(urlsplit(body["next"]).query).items()}
    assert seen == [str(row.pk) for row in reversed(made)]


def test_the_lists_queries_do_not_grow_with_its_rows(company: Company, agent: Caller) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert agent.get("/compensations").status_code == 200
        return len(queries)

    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    first = cost()
    for _number in range(5):
        grant(incident=company.incident(), offer=company.offers["refund"], by=company.agent)
    assert cost() == first <= 4


def test_each_filter_keeps_what_it_names(company: Company, agent: Caller) -> None:
    one = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    two = grant(incident=company.incident(), offer=company.offers["refund"], by=company.colleague)
    redeem(code=code_of(one), external_transaction_id="T", market=company.market, by=company.till)
    Compensation.objects.filter(pk=two.pk).update(issued_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    queries: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "state": ({"state": "settled"}, {"state": "issued"}),
        "kind": ({"kind": "coupon"}, {"kind": "partial_refund"}),
        "incident": ({"incident": one.incident.folio}, {"incident": two.incident.folio}),
        "customer": ({"customer": one.customer_id}, {"customer": two.customer_id}),
        "agent": ({"agent": company.agent.username.upper()}, {"agent": company.colleague.username}),
        "range": (
            {"issued_from": "2026-03-01T00:00:01Z"},
            {"issued_from": "2026-03-01T00:00:00Z", "issued_before": "2026-03-01T00:00:01Z"},
        ),
    }
    for name, (first, second) in queries.items():
        for query, wanted in ((first, one), (second, two)):
            found = [row["id"] for row in agent.get("/compensations", **query).json()["results"]]
            assert found == [str(wanted.pk)], name
    assert agent.get("/compensations", incident="no-such").json()["results"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "lost"),
        ("kind", "car"),
        ("customer", "x"),
        ("issued_from", "yesterday"),
        ("incident", "a\x00b"),
        ("cursor", "x"),
        ("sate", "issued"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(agent: Caller, name: str, value: str) -> None:
    answer = agent.get("/compensations", **{name: value})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


@pytest.mark.parametrize("end", ["2026-03-01T00:00:00Z", "2026-02-28T23:00:00Z"])
def test_moments_the_wrong_way_round_are_refused(agent: Caller, end: str) -> None:
    """The end is not part of the range: two equal moments find nothing either."""
    answer = agent.get("/compensations", issued_from="2026-03-01T00:00:00Z", issued_before=end)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["issued_before"])


# --- who may -------------------------------------------------------------------------------------

READERS = {"agent", "colleague", "supervisor", "finance", "auditor"}
GRANTERS = {"agent", "colleague", "supervisor"}


def _callers(company: Company) -> dict[str, Caller]:
    market, admin = company.market, company.administrator
    scopes = [scope.value for scope in Scope]
    return {
        "nobody": Caller(),
        "agent": as_staff(company.agent),
        "colleague": as_staff(company.colleague),
        "supervisor": as_staff(company.supervisor),
        "finance": as_staff(company.elena),
        "auditor": as_staff(person(market, "auditor", Role.AUDITOR)),
        "administrator": as_staff(admin),
        "cashier": as_staff(company.cashier),
        "client": as_client(market, admin, *scopes)[1],
    }


def _try(name: str, company: Company, caller: Caller, incident: Incident, made: Any) -> Any:
    if name == "offers":
        return caller.get(_offers(incident))
    if name == "grant":
        return caller.post(_grants(incident), {"offer": company.offers["coupon"].pk})
    if name == "list":
        return caller.get("/compensations")
    return caller.post(_void(made), {"reason": "Slip"})


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("offers", READERS),
        ("grant", GRANTERS),
        ("list", READERS),
        ("void", {"agent", "supervisor"}),
    ],
)
def test_each_route_opens_to_its_roles_alone(
    company: Company, name: str, allowed: set[str]
) -> None:
    opened = set()
    for who, caller in _callers(company).items():
        incident = company.incident()
        made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
        before = everything()
        answer = _try(name, company, caller, incident, made)
        if answer.status_code < 400:
            opened.add(who)
        else:
            assert answer.status_code == (401 if who == "nobody" else 403), (who, answer.content)
            assert everything() == before, who
    assert opened == allowed


@pytest.mark.parametrize("name", ["offers", "grant", "void"])
def test_what_belongs_to_another_market_does_not_exist(company: Company, name: str) -> None:
    """The same words as for an incident or compensation that never was."""
    other = build("CO")
    incident = company.incident()
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    for role in ("agent", "supervisor"):
        caller = as_staff(getattr(other, role))
        before = everything()
        foreign = _try(name, company, caller, incident, made)
        never = _try(
            name,
            company,
            caller,
            Incident(folio="XX-2026-000000"),
            {"id": "019a9f0e-6d1c-7c55-9a42-3a4f6f0a7c11"},
        )
        assert foreign.status_code == never.status_code == 404
        first, second = foreign.json(), never.json()
        assert {**first, "request_id": ""} == {**second, "request_id": ""}
        assert everything() == before
    assert as_staff(other.agent).get("/compensations").json()["results"] == []
