"""What a program is told when the mistake is ours."""

from typing import Any

import pytest
from django.test import Client

from compensations.actions import grant
from compensations.models import Coupon, Redemption
from compensations.tests.calls import Caller
from compensations.tests.scenario import build, code_of


@pytest.mark.django_db
def test_a_mistake_of_ours_is_a_problem_without_a_secret_and_the_key_can_be_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company = build()
    code = code_of(
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    )
    till = Caller(company.till_key)
    till.http = Client(raise_request_exception=False)

    def broken(**_values: Any) -> None:
        raise ZeroDivisionError(code)

    monkeypatch.setattr("compensations.api.coupons.redeem_and_answer", broken)
    sale = {"code": code, "external_transaction_id": "T-1"}
    answer = till.post("/coupons/redeem", sale, key="K")
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "internal"
    assert answer.json()["request_id"] == answer["X-Request-Id"]
    assert code not in answer.content.decode()
    assert not Redemption.objects.exists()
    monkeypatch.undo()
    assert till.post("/coupons/redeem", sale, key="K").status_code == 200
    assert Coupon.objects.get().state == "redeemed"
