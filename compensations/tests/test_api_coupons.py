"""The till's API: validate, reserve, redeem, release, reverse."""

import datetime as dt
import logging
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from accounts.api.serializers import shown
from accounts.models import ApiClient, IdempotentAnswer, Location
from accounts.states import Role, Scope
from audit.models import AuditEvent
from compensations import codes
from compensations.actions import CouponView, grant, reserve, validate_coupon, void
from compensations.api.serializers import RedemptionShape
from compensations.models import Coupon, LedgerEntry, Redemption, Reversal

from .calls import Caller, as_client, as_staff, everything
from .scenario import Company, build, code_of, person

pytestmark = pytest.mark.django_db
VALIDATE, REDEEM, REVERSE = "/coupons/validate", "/coupons/redeem", "/coupons/reverse"


@pytest.fixture
def till(company: Company) -> Caller:
    return Caller(company.till_key)


@pytest.fixture
def code(company: Company) -> str:
    """The code of a coupon of 200.00 MXN."""
    return _code(company)


def _code(company: Company, offer: str = "coupon") -> str:
    return code_of(
        grant(incident=company.incident(), offer=company.offers[offer], by=company.agent)
    )


def _sale(code: str, number: str = "T-1", **fields: Any) -> dict[str, Any]:
    return {"code": code, "external_transaction_id": number, **fields}


def test_validate_says_what_it_is_worth_and_changes_nothing(till: Caller, code: str) -> None:
    before = everything()
    answer = till.post(VALIDATE, {"code": code.lower(), "location": "CUN"}, key=None)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["value_minor"], body["balance_minor"], body["currency"]) == (20000, 20000, "MXN")
    assert body["last_four"] == code[-4:]
    assert body["keeps_balance"] is False
    assert everything() == before


@pytest.mark.parametrize(("language", "name"), [("es", "Desayuno"), ("en", "Breakfast")])
def test_names_are_in_the_language_asked_for(
    company: Company, code: str, monkeypatch: pytest.MonkeyPatch, language: str, name: str
) -> None:
    def seen(**values: Any) -> CouponView:
        return replace(validate_coupon(**values), name_es="Desayuno", name_en="Breakfast")

    monkeypatch.setattr("compensations.api.coupons.validate_coupon", seen)
    caller = Caller(company.till_key, HTTP_ACCEPT_LANGUAGE=language)
    answer = caller.post(VALIDATE, {"code": code})
    assert answer.json()["name"] == name
    assert answer["Content-Language"] == language


def test_redeem_once_with_everything_that_follows(
    company: Company, till: Caller, code: str
) -> None:
    answer = till.post(REDEEM, _sale(code, location="CUN"))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["amount_minor"], body["balance_minor"], body["location"]) == (20000, 0, "CUN")
    row = Redemption.objects.get()
    assert str(row.pk) == body["id"]
    assert (row.client, row.location) == (company.till, company.location)
    undo_until = dt.datetime.fromisoformat(body["undo_until"])
    assert undo_until - dt.datetime.fromisoformat(body["redeemed_at"]) == dt.timedelta(minutes=30)
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    assert AuditEvent.objects.filter(act="coupon.redeemed", actor_id=company.till.pk).count() == 1
    again = till.post(REDEEM, _sale(code, "T-2"))
    assert (again.status_code, again.json()["code"]) == (422, "coupon_not_valid")
    assert Redemption.objects.count() == 1


def test_part_of_a_gift_card(company: Company, till: Caller) -> None:
    code = _code(company, "gift_card")
    body = till.post(REDEEM, _sale(code, amount_minor=12500)).json()
    assert (body["amount_minor"], body["balance_minor"]) == (12500, 37500)
    assert till.post(REDEEM, _sale(code, "T-2", amount_minor=40000)).status_code == 422
    assert till.post(REDEEM, _sale(code, "T-3")).json()["amount_minor"] == 37500


def test_part_of_a_single_use_coupon_is_refused(till: Caller, code: str) -> None:
    assert till.post(REDEEM, _sale(code, amount_minor=100)).status_code == 422
    assert not Redemption.objects.exists()


# --- repeated requests -------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_answer_and_one_effect(till: Caller, code: str) -> None:
    first = till.post(REDEEM, _sale(code), key="K")
    after = everything()
    again = till.post(REDEEM, _sale(code), key="K")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert everything() == after


def test_the_same_key_with_another_body_is_refused(
    company: Company, till: Caller, code: str
) -> None:
    other = _code(company)
    till.post(REDEEM, _sale(code), key="K")
    after = everything()
    answer = till.post(REDEEM, _sale(other, "T-2"), key="K")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert everything() == after


def test_a_refusal_is_repeated_too(company: Company, till: Caller) -> None:
    unknown = codes.new_code()
    first = till.post(REDEEM, _sale(unknown), key="K")
    again = till.post(REDEEM, _sale(unknown), key="K")
    assert first.status_code == again.status_code == 422
    assert first.content == again.content
    assert again["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", [None, "", "with space", "x" * 129, "tilde-ñ"])
@pytest.mark.parametrize("path", [REDEEM, REVERSE])
def test_a_key_is_required_where_value_moves(
    till: Caller, code: str, path: str, key: str | None
) -> None:
    before = everything()
    answer = till.post(path, _sale(code), key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert everything() == before


def test_another_key_for_the_same_sale_finds_the_same_redemption(till: Caller, code: str) -> None:
    first = till.post(REDEEM, _sale(code), key="K1").json()
    again = till.post(REDEEM, _sale(code), key="K2")
    assert again.status_code == 200
    assert again.json()["id"] == first["id"]
    assert Redemption.objects.count() == 1


def test_the_number_of_a_sale_names_one_coupon_for_ever(
    company: Company, till: Caller, code: str
) -> None:
    other = _code(company)
    till.post(REDEEM, _sale(code))
    answer = till.post(REDEEM, _sale(other))
    assert (answer.status_code, answer.json()["code"]) == (409, "transaction_reused")
    assert Coupon.objects.filter(state="redeemed").count() == 1


def test_two_clients_may_use_the_same_key_and_number(
    company: Company, till: Caller, code: str
) -> None:
    _client, other = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
    second = _code(company)
    assert till.post(REDEEM, _sale(code), key="K").status_code == 200
    assert other.post(REDEEM, _sale(second), key="K").status_code == 200
    assert Redemption.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("when", ["IMMEDIATE", "DEFERRED"])
def test_the_answer_is_stored_with_the_effect_or_neither_is(
    till: Caller, code: str, when: str
) -> None:
    """The answer's row is refused by the statement, or not before the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the machine stops here'; END $$; "
            "CREATE CONSTRAINT TRIGGER stop AFTER INSERT ON accounts_idempotentanswer "
            f"DEFERRABLE INITIALLY {when} FOR EACH ROW EXECUTE FUNCTION stop_here()"
        )
    try:
        before = everything()
        with pytest.raises(DatabaseError, match="the machine stops here"):
            till.post(REDEEM, _sale(code), key="K")
        assert everything() == before
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION stop_here() CASCADE")
    assert till.post(REDEEM, _sale(code), key="K").status_code == 200
    assert IdempotentAnswer.objects.count() == Redemption.objects.count() == 1


def test_a_sale_of_a_known_till_is_one_trip(
    company: Company, till: Caller, code: str, settings: Any
) -> None:
    settings.PREPARED_STATEMENTS = False
    till.post(REDEEM, _sale(_code(company), "T-0"))
    with CaptureQueriesContext(connection) as queries:
        assert till.post(REDEEM, _sale(code, location="CUN")).status_code == 200
    # Around it are marks of the part of a transaction that this test is.
    (asked,) = (sql for query in queries if "SELECT" in (sql := query["sql"]))
    parts = ["guard_key", "guard_once", "guard_guessing", "compensations_redemption"]
    places = [asked.index(part) for part in (*parts, "accounts_idempotentanswer")]
    assert places == sorted(places)


@pytest.mark.parametrize("offer", ["coupon", "gift_card"])
@pytest.mark.parametrize("location", ["", "CUN", "cun"])
def test_the_stored_answer_has_the_shape_of_a_redemption(
    company: Company, till: Caller, offer: str, location: str
) -> None:
    company.market.undo_minutes = 7
    company.market.save()
    sale = _sale(_code(company, offer), 'Ticket "7" \\ ñ', location=location)
    if offer == "gift_card":
        sale["amount_minor"] = 12500
    if not location:
        del sale["location"]
    answer = till.post(REDEEM, sale)
    assert answer.status_code == 200
    row = Redemption.objects.select_related("coupon", "location", "market").get()
    wanted = JSONRenderer().render(shown(RedemptionShape, row))
    # A moment without a fraction of a second is written shorter, once in a million.
    assert answer.content.replace(b".000000Z", b"Z") == wanted


def test_a_person_with_a_key_redeems_as_a_till_does(company: Company, code: str) -> None:
    answer = as_staff(company.cashier).post(REDEEM, _sale(code, location="CUN"))
    assert answer.status_code == 200
    assert Redemption.objects.get().cashier == company.cashier


def test_a_scope_taken_away_is_gone_at_once(company: Company, till: Caller, code: str) -> None:
    till.post(REDEEM, _sale(_code(company), "T-0"))
    ApiClient.objects.update(scopes=[Scope.COUPONS_VALIDATE])
    answer = till.post(REDEEM, _sale(code))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert Redemption.objects.count() == 1


# --- reverse -----------------------------------------------------------------------------------


def test_a_reversal_makes_the_coupon_valid_again_once(till: Caller, code: str) -> None:
    till.post(REDEEM, _sale(code))
    answer = till.post(REVERSE, _sale(code, location="CUN", reason="Cancelled"))
    assert answer.status_code == 200
    assert (answer.json()["amount_minor"], answer.json()["balance_minor"]) == (20000, 20000)
    assert till.post(REVERSE, _sale(code)).json() == answer.json()
    assert Reversal.objects.count() == 1
    assert till.post(VALIDATE, {"code": code}).status_code == 200
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0


def test_a_reversal_needs_no_code_but_minds_a_wrong_one(
    company: Company, till: Caller, code: str
) -> None:
    other = _code(company)
    till.post(REDEEM, _sale(code))
    wrong = till.post(REVERSE, _sale(other))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "coupon_not_valid")
    assert till.post(REVERSE, {"external_transaction_id": "T-1"}).status_code == 200


def test_a_reversal_after_the_window_or_of_another_client_is_refused(
    company: Company, till: Caller, code: str
) -> None:
    till.post(REDEEM, _sale(code))
    _client, other = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
    assert other.post(REVERSE, _sale(code)).json()["code"] == "reversal_refused"
    company.market.undo_minutes = 0
    company.market.save()
    late = till.post(REVERSE, _sale(code))
    assert (late.status_code, late.json()["code"]) == (409, "reversal_refused")
    assert not Reversal.objects.exists()


# --- reserve and release -------------------------------------------------------------------------


def test_a_reserved_coupon_is_this_clients_alone_until_released(
    company: Company, till: Caller, code: str
) -> None:
    held = till.post("/coupons/reserve", {"code": code, "minutes": 5})
    assert (held.status_code, held.json()["state"]) == (200, "reserved")
    _client, other = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
    assert other.post(VALIDATE, {"code": code}).json()["code"] == "coupon_not_valid"
    assert other.post(REDEEM, _sale(code)).status_code == 422
    assert other.post("/coupons/release", {"code": code}).status_code == 422
    free = till.post("/coupons/release", {"code": code})
    assert (free.status_code, free.json()["state"]) == (200, "issued")
    assert other.post(REDEEM, _sale(code)).status_code == 200


@pytest.mark.parametrize("minutes", [0, 31, "ten", 1.5])
def test_a_reservation_is_bounded(till: Caller, code: str, minutes: Any) -> None:
    answer = till.post("/coupons/reserve", {"code": code, "minutes": minutes})
    assert answer.status_code == 400
    assert "minutes" in answer.json()["errors"]


# --- what cannot be used, and guessing -----------------------------------------------------------


def _spoil(company: Company, state: str) -> str:
    """A code that cannot be used, for a reason of its own."""
    if state == "unknown":
        return codes.display(codes.new_code())
    if state == "malformed":
        return "0000-0000-0000-0001"
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    code = code_of(made)
    if state == "used":
        Caller(company.till_key).post(REDEEM, _sale(code, "T-used"))
    elif state == "voided":
        void(compensation=made, reason="Slip", by=company.agent)
    elif state == "expired":
        Coupon.objects.filter(compensation=made).update(
            expires_at=timezone.now() - dt.timedelta(seconds=1)
        )
    elif state == "reserved":
        other, _caller = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
        reserve(code=code, market=company.market, by=other)
    elif state == "elsewhere":
        Coupon.objects.filter(compensation=made).update(usable_at=["PDC"])
    else:
        assert state == "foreign"
        code = _code(build("CO"))
    return code


STATES = ["unknown", "malformed", "used", "voided", "expired", "reserved", "elsewhere", "foreign"]


@pytest.mark.parametrize("path", [VALIDATE, REDEEM])
def test_every_code_that_cannot_be_used_gets_one_answer(company: Company, path: str) -> None:
    answers = []
    for state in STATES:
        code = _spoil(company, state)
        # A client for each, so that counted failures play no part here.
        _client, caller = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
        body = {"code": code} if path == VALIDATE else _sale(code)
        answer = caller.post(path, {**body, "location": "CUN"})
        seen = answer.json()
        seen.pop("request_id")
        answers.append((state, answer.status_code, seen))
    assert {status for _state, status, _body in answers} == {422}
    assert all(body == answers[0][2] for _state, _status, body in answers), answers


def _fail_until_stopped(caller: Caller, path: str = REDEEM, **fields: Any) -> int:
    """Tries unknown codes; how many were read before the first 429."""
    for number in range(100):
        answer = caller.post(path, {"code": codes.new_code(), **fields} | _extra(path, number))
        if answer.status_code == 429:
            assert int(answer["Retry-After"]) > 0
            assert answer.json()["code"] == "throttled"
            return number
    raise AssertionError("never stopped")


def _extra(path: str, number: int) -> dict[str, Any]:
    return {} if path == VALIDATE else {"external_transaction_id": f"G-{number}"}


def test_guessing_is_stopped_for_a_terminal_and_not_for_the_one_beside_it(
    company: Company, till: Caller, code: str
) -> None:
    Location.objects.create(market=company.market, code="PDC", name="Playa")
    assert _fail_until_stopped(till, location="CUN") == 12
    assert till.post(REDEEM, _sale(code, location="CUN")).status_code == 429
    assert not Redemption.objects.exists()
    assert till.post(REDEEM, _sale(code, location="PDC")).status_code == 200


def test_guessing_is_stopped_for_an_address_and_not_for_another(
    company: Company, till: Caller, code: str
) -> None:
    assert _fail_until_stopped(till) == 30
    assert till.post(REDEEM, _sale(code)).status_code == 429
    elsewhere = Caller(company.till_key, REMOTE_ADDR="203.0.113.7")
    assert elsewhere.post(REDEEM, _sale(code)).status_code == 200


def test_guessing_is_stopped_for_a_client_whatever_its_address(company: Company, code: str) -> None:
    for number in range(60):
        caller = Caller(company.till_key, REMOTE_ADDR=f"203.0.113.{number}")
        assert caller.post(REDEEM, _sale(codes.new_code(), f"G-{number}")).status_code == 422
    caller = Caller(company.till_key, REMOTE_ADDR="203.0.113.250")
    assert caller.post(REDEEM, _sale(code)).status_code == 429
    _client, other = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
    assert other.post(REDEEM, _sale(code)).status_code == 200


def test_looking_up_is_allowed_half_as_many_failures(till: Caller) -> None:
    assert _fail_until_stopped(till, VALIDATE, location="CUN") == 6


def test_trying_one_customers_codes_is_stopped_from_any_client_and_address(
    company: Company,
) -> None:
    """Used codes of one customer, each attempt by another client from another address."""
    customer = company.customer()
    used = []
    for number in range(2):
        made = grant(
            incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent
        )
        used.append(code_of(made))
        Caller(company.till_key).post(REDEEM, _sale(used[-1], f"T-{number}"))

    def attempts(tried: list[str]) -> list[int]:
        statuses = []
        for number in range(11):
            _client, caller = as_client(company.market, company.administrator, Scope.COUPONS_REDEEM)
            caller.http.defaults["REMOTE_ADDR"] = f"198.51.100.{number}"
            answer = caller.post(REDEEM, _sale(tried[number % len(tried)], f"X-{number}"))
            statuses.append(answer.status_code)
        return statuses

    assert attempts(used) == [422] * 9 + [429] * 2
    assert attempts([codes.new_code()]) == [422] * 9 + [429] * 2


# --- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (VALIDATE, {}, "code"),
        (VALIDATE, {"code": ""}, "code"),
        (VALIDATE, {"code": "x" * 41}, "code"),
        (VALIDATE, {"code": ["x"]}, "code"),
        (VALIDATE, {"code": "a\x00b"}, "code"),
        (VALIDATE, {"code": "x", "pin": "1"}, "pin"),
        (REDEEM, {"code": "x"}, "external_transaction_id"),
        (REDEEM, {"code": "x", "external_transaction_id": "y" * 81}, "external_transaction_id"),
        (REDEEM, _sale("x", amount_minor=0), "amount_minor"),
        (REDEEM, _sale("x", amount_minor="12.5"), "amount_minor"),
        (REDEEM, _sale("x", amount_minor=10**13), "amount_minor"),
        (REDEEM, _sale("x", location="x" * 13), "location"),
        (REVERSE, {"code": "x"}, "external_transaction_id"),
        (REVERSE, _sale("x", reason="y" * 301), "reason"),
        (VALIDATE, [], "body"),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_by_field(
    till: Caller, path: str, body: Any, field: str
) -> None:
    before = everything()
    answer = till.post(path, body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == [field]
    assert everything() == before


def test_an_unknown_location_is_refused(till: Caller, code: str) -> None:
    answer = till.post(REDEEM, _sale(code, location="NOPE"))
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["location"])


# --- who may -----------------------------------------------------------------------------------


def _callers(company: Company) -> dict[str, Caller]:
    market, admin = company.market, company.administrator
    auditor = person(market, "auditor", Role.AUDITOR)
    return {
        "nobody": Caller(),
        "a wrong key": Caller("rck_" + "x" * 52),
        "agent": as_staff(company.agent),
        "supervisor": as_staff(company.supervisor),
        "finance": as_staff(company.elena),
        "auditor": as_staff(auditor),
        "administrator": as_staff(admin),
        "cashier": as_staff(company.cashier),
        "looker": as_client(market, admin, Scope.COUPONS_VALIDATE)[1],
        "till": as_client(market, admin, Scope.COUPONS_REDEEM)[1],
        "intake": as_client(market, admin, Scope.INCIDENTS_WRITE, Scope.CUSTOMERS_WRITE)[1],
    }


ALLOWED = {
    VALIDATE: {"cashier", "looker", "till"},
    REDEEM: {"cashier", "till"},
    REVERSE: {"cashier", "till"},
    "/coupons/reserve": {"till"},
    "/coupons/release": {"till"},
}


@pytest.mark.parametrize("path", ALLOWED)
def test_each_route_opens_to_its_callers_alone(company: Company, path: str) -> None:
    body = {
        VALIDATE: {"location": "CUN"},
        REDEEM: {"external_transaction_id": "T-1", "location": "CUN"},
        REVERSE: {"external_transaction_id": "T-1", "location": "CUN"},
    }.get(path, {})
    opened = set()
    for name, caller in _callers(company).items():
        code = _code(company)
        before = everything()
        answer = caller.post(path, {"code": code, **body})
        if answer.status_code in {401, 403}:
            assert answer["Content-Type"] == "application/problem+json"
            assert (answer.status_code == 401) == (name in {"nobody", "a wrong key"})
            assert everything() == before, name
        else:
            assert answer.status_code in {200, 409, 422}, (name, answer.content)
            opened.add(name)
    assert opened == ALLOWED[path]


def test_a_till_of_another_market_finds_nothing(company: Company, code: str) -> None:
    other = build("CO")
    caller = Caller(other.till_key)
    assert caller.post(VALIDATE, {"code": code}).json()["code"] == "coupon_not_valid"
    assert caller.post(REDEEM, _sale(code)).json()["code"] == "coupon_not_valid"
    assert Coupon.objects.get().state == "issued"


def test_a_cashier_redeems_at_their_own_place_only(company: Company, code: str) -> None:
    caller = as_staff(company.cashier)
    answer = caller.post(REDEEM, _sale(code))
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["location"])
    company.cashier.location = company.location
    company.cashier.save()
    answer = caller.post(REDEEM, _sale(code))
    assert (answer.status_code, answer.json()["location"]) == (200, "CUN")
    assert Redemption.objects.get().cashier == company.cashier


# --- secrets and speed ---------------------------------------------------------------------------


def test_no_code_is_in_an_answer_a_log_or_any_stored_row(
    till: Caller, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    bare = code.replace("-", "")
    with caplog.at_level(logging.DEBUG):
        seen = till.post(VALIDATE, {"code": code}).content.decode()
        seen += till.post("/coupons/reserve", {"code": code}).content.decode()
        seen += till.post("/coupons/release", {"code": code}).content.decode()
        seen += till.post(REDEEM, _sale(code), key="K").content.decode()
        seen += till.post(REVERSE, _sale(code)).content.decode()
        seen += till.post(REDEEM, _sale("x" + code, "T-2")).content.decode()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT row::text FROM {name} AS row")  # noqa: S608
            seen += "".join(line for (line,) in cursor.fetchall())
    for text in (seen, caplog.text):
        assert code not in text
        assert bare not in text


def test_redeeming_takes_few_round_trips(till: Caller, code: str) -> None:
    """Key, lock and stored answer, location, the redemption, its audit row, the new answer."""
    with CaptureQueriesContext(connection) as queries:
        assert till.post(REDEEM, _sale(code, location="CUN")).status_code == 200
    said = [query["sql"].split("\n")[0][:60] for query in queries]
    assert len(said) <= 6, said
