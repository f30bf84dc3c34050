"""Repeated requests at the same instant, each in a process of its own, over HTTP's own path."""

from collections.abc import Sequence

import pytest

from accounts.actions import create_access_token
from accounts.api import idempotency
from compensations.actions import grant
from compensations.models import Coupon, LedgerEntry, Redemption
from compensations.tests.calls import Caller
from compensations.tests.scenario import Company, build, code_of
from tests.support.race import errors, race

pytestmark = [pytest.mark.django_db(transaction=True)]
RACERS = 16


@pytest.fixture
def company() -> Company:
    return build()


def _ready(key: str) -> Caller:
    """A caller whose process has loaded every address, so that its children race at once."""
    caller = Caller(key)
    assert caller.get("/me").status_code == 200
    return caller


def test_one_key_at_the_same_instant_redeems_once(company: Company) -> None:
    """Every answer is the one redemption, or says that the first is still running."""
    made = grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)
    body = {"code": code_of(made), "external_transaction_id": "T-1", "amount_minor": 100_00}
    till = _ready(company.till_key)

    def work(_number: int) -> tuple[int, str]:
        answer = till.post("/coupons/redeem", body, key="one-key")
        said = answer.json()
        return answer.status_code, said.get("id") or said["code"]

    answers = race(work, range(RACERS))
    assert errors(answers) == []
    said = {value for _kind, value in answers}
    row = Redemption.objects.get()
    assert said <= {(200, str(row.pk)), (409, "idempotency_running")}
    assert (200, str(row.pk)) in said
    assert Coupon.objects.get().balance_minor == 400_00
    assert LedgerEntry.objects.filter(event="redeem").count() == 2


def test_one_sale_sent_with_many_keys_redeems_once(company: Company) -> None:
    """The number of the sale holds where a till makes a new key for each try."""
    made = grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)
    body = {"code": code_of(made), "external_transaction_id": "T-1", "amount_minor": 100_00}
    till = _ready(company.till_key)

    def work(number: int) -> tuple[int, str]:
        answer = till.post("/coupons/redeem", body, key=f"key-{number}")
        return answer.status_code, answer.json().get("id", "")

    answers = race(work, range(RACERS))
    assert errors(answers) == []
    assert {value for _kind, value in answers} == {(200, str(Redemption.objects.get().pk))}
    assert Coupon.objects.get().balance_minor == 400_00


def _many_sales(company: Company, guards_off: Sequence[str] = ()) -> list[int]:
    """The statuses of many sales with one coupon, each with a number and a key of its own."""
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    code = code_of(made)
    other = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    till = _ready(company.till_key)
    first = {"code": code_of(other), "external_transaction_id": "T-first"}
    assert till.post("/coupons/redeem", first).status_code == 200

    def work(number: int) -> int:
        body = {"code": code, "external_transaction_id": f"T-{number}"}
        status: int = till.post("/coupons/redeem", body).status_code
        return status

    answers = race(work, range(RACERS), guards_off=guards_off)
    assert errors(answers) == []
    return [value for _kind, value in answers]


def test_many_sales_with_one_coupon_have_one_winner(company: Company) -> None:
    assert sorted(set(_many_sales(company))) in ([200, 422], [200, 422, 429])
    assert Redemption.objects.exclude(external_transaction_id="T-first").count() == 1


def test_many_sales_with_one_coupon_without_the_guard(company: Company) -> None:
    """The negative control."""
    assert _many_sales(company, ["redeem"]).count(200) > 1


def _void_with_one_key(company: Company, *, guarded: bool) -> set[tuple[int, str]]:
    """What many processes are told that void one compensation under one key."""
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    agent = _ready(create_access_token(staff=company.agent, by=company.agent)[1])

    def work(_number: int) -> tuple[int, str]:
        if not guarded:
            idempotency._enter = lambda *_arguments: None
            idempotency._store = lambda *_arguments: None
        answer = agent.post(f"/compensations/{made.pk}/void", {"reason": "Slip"}, key="one")
        return answer.status_code, answer.json().get("code", "")

    answers = race(work, range(RACERS))
    assert errors(answers) == []
    return {value for _kind, value in answers}


def test_one_key_at_the_same_instant_has_one_answer(company: Company) -> None:
    said = _void_with_one_key(company, guarded=True)
    assert (200, "") in said
    assert said <= {(200, ""), (409, "idempotency_running")}


def test_without_the_stored_answer_the_same_key_would_have_two(company: Company) -> None:
    """The negative control of the test above."""
    assert (409, "void_refused") in _void_with_one_key(company, guarded=False)
