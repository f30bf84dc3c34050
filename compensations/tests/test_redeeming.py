"""The coupon at a till, one caller at a time."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Location
from common.errors import NotAllowed
from compensations import codes
from compensations.actions import grant, redeem, release, reserve, reverse, validate_coupon, void
from compensations.models import Compensation, Coupon, LedgerEntry, Redemption
from compensations.periodic import forget_codes
from compensations.reconciliation import differences
from compensations.refusals import (
    AmountNotTaken,
    CouponNotValid,
    ReversalRefused,
    TransactionReused,
    VoidRefused,
)

from .scenario import Company, build, code_of

pytestmark = pytest.mark.django_db


def granted(company: Company, offer: str = "coupon") -> tuple[Compensation, str]:
    made = grant(incident=company.incident(), offer=company.offers[offer], by=company.agent)
    return made, code_of(made)


def test_a_coupon_works_once(company: Company) -> None:
    made, code = granted(company)
    seen = validate_coupon(code=code, market=company.market, by=company.till)
    assert (seen.value_minor, seen.last_four) == (20000, code[-4:])
    used = redeem(code=code, external_transaction_id="T1", market=company.market, by=company.till)
    made.refresh_from_db()
    assert (used.amount_minor, used.currency, made.state) == (20000, "MXN", "settled")
    with pytest.raises(CouponNotValid):
        redeem(code=code, external_transaction_id="T2", market=company.market, by=company.till)
    with pytest.raises(CouponNotValid):
        validate_coupon(code=code, market=company.market, by=company.till)
    assert Redemption.objects.count() == 1
    assert list(differences()) == []


def test_the_same_transaction_number_answers_the_same(company: Company) -> None:
    _made, code = granted(company)
    _other, other_code = granted(company)
    values: dict[str, Any] = {
        "external_transaction_id": "T1",
        "market": company.market,
        "by": company.till,
    }
    first = redeem(code=code, **values)
    assert redeem(code=code, **values).pk == first.pk
    with pytest.raises(TransactionReused):
        redeem(code=other_code, **values)
    assert Redemption.objects.count() == 1
    assert list(differences()) == []


def test_a_gift_card_in_parts(company: Company) -> None:
    made, code = granted(company, "gift_card")
    base: dict[str, Any] = {"code": code, "market": company.market, "by": company.till}
    redeem(**base, external_transaction_id="1", amount_minor=200_00)
    redeem(**base, external_transaction_id="2", amount_minor=299_99)
    for amount in (2, 0, -5):
        with pytest.raises(AmountNotTaken):
            redeem(**base, external_transaction_id=f"x{amount}", amount_minor=amount)
    redeem(**base, external_transaction_id="3")
    made.refresh_from_db()
    assert made.state == "settled"
    assert sum(Redemption.objects.values_list("amount_minor", flat=True)) == 500_00
    assert list(differences()) == []


def test_a_single_use_coupon_is_not_split(company: Company) -> None:
    _made, code = granted(company)
    sale: dict[str, Any] = {"code": code, "market": company.market, "by": company.till}
    with pytest.raises(AmountNotTaken) as refused:
        redeem(**sale, external_transaction_id="1", amount_minor=100)
    assert refused.value.extra == {"balance_minor": 200_00, "currency": "MXN"}
    # Whoever has no good code hears nothing of amounts.
    redeem(**sale, external_transaction_id="2", amount_minor=200_00)
    with pytest.raises(CouponNotValid):
        redeem(**sale, external_transaction_id="3", amount_minor=100)


def test_expired_by_the_databases_clock(company: Company) -> None:
    made, code = granted(company)
    Coupon.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    with pytest.raises(CouponNotValid):
        redeem(code=code, external_transaction_id="1", market=company.market, by=company.till)
    assert Compensation.objects.get(pk=made.pk).state == "issued"


def test_voided_never_redeems_and_redeemed_never_voids(company: Company) -> None:
    made, code = granted(company)
    void(compensation=made, reason="x", by=company.agent)
    with pytest.raises(CouponNotValid):
        redeem(code=code, external_transaction_id="1", market=company.market, by=company.till)
    made, code = granted(company)
    redeem(code=code, external_transaction_id="2", market=company.market, by=company.till)
    with pytest.raises(VoidRefused):
        void(compensation=made, reason="x", by=company.agent)
    assert list(differences()) == []


def test_another_market_and_another_place(company: Company) -> None:
    _made, code = granted(company)
    other = build("ES")
    with pytest.raises(CouponNotValid):
        redeem(code=code, external_transaction_id="1", market=other.market, by=other.till)
    with pytest.raises(NotAllowed):
        redeem(code=code, external_transaction_id="1", market=company.market, by=other.till)
    Coupon.objects.update(usable_at=["CUN"])
    elsewhere = Location.objects.create(market=company.market, code="MTY", name="Monterrey")
    with pytest.raises(CouponNotValid):
        redeem(
            code=code,
            external_transaction_id="1",
            market=company.market,
            location=elsewhere,
            by=company.till,
        )
    redeem(
        code=code,
        external_transaction_id="1",
        market=company.market,
        location=company.location,
        by=company.till,
    )


def test_reserved_by_another_till(company: Company) -> None:
    from accounts.actions import create_api_client

    _made, code = granted(company)
    other, _key = create_api_client(
        market=company.market, name="Otra", scopes=["coupons:redeem"], by=company.administrator
    )
    reserve(code=code, market=company.market, by=other)
    with pytest.raises(CouponNotValid):
        redeem(code=code, external_transaction_id="1", market=company.market, by=company.till)
    release(code=code, market=company.market, by=other)
    reserve(code=code, market=company.market, by=other)
    # Minutes that have passed free it without anybody's help.
    Coupon.objects.update(reserved_until=timezone.now() - dt.timedelta(seconds=1))
    redeem(code=code, external_transaction_id="1", market=company.market, by=company.till)


def test_a_reversal_inside_its_window(company: Company) -> None:
    made, code = granted(company)
    values: dict[str, Any] = {
        "external_transaction_id": "T1",
        "market": company.market,
        "by": company.till,
    }
    redeem(code=code, **values)
    first = reverse(code=code, **values)
    assert reverse(code=code, **values).pk == first.pk
    made.refresh_from_db()
    assert made.state == "issued"
    assert list(differences()) == []
    redeem(code=code, external_transaction_id="T2", market=company.market, by=company.till)
    Redemption.objects.filter(external_transaction_id="T2").update(
        created_at=timezone.now() - dt.timedelta(minutes=31)
    )
    with pytest.raises(ReversalRefused):
        reverse(external_transaction_id="T2", market=company.market, by=company.till)
    assert LedgerEntry.objects.filter(event="reverse").count() == 2


def test_only_tills_and_cashiers(company: Company) -> None:
    _made, code = granted(company)
    for who in ("agent", "supervisor", "elena", "administrator"):
        with pytest.raises(NotAllowed):
            redeem(
                code=code,
                external_transaction_id="1",
                market=company.market,
                by=getattr(company, who),
            )
    redeem(code=code, external_transaction_id="1", market=company.market, by=company.cashier)


def test_the_code_is_forgotten_when_no_resend_is_possible(company: Company) -> None:
    _made, code = granted(company)
    _kept, _kept_code = granted(company)
    redeem(code=code, external_transaction_id="T1", market=company.market, by=company.till)
    assert forget_codes() == 0
    Redemption.objects.update(created_at=timezone.now() - dt.timedelta(hours=2))
    assert forget_codes() == 1
    found = codes.read(code)
    assert found is not None
    assert Coupon.objects.get(code_hash=codes.current_hash(found)[1]).code_ciphertext is None


def test_a_redemption_that_was_undone_answers_for_nothing(company: Company) -> None:
    _made, code = granted(company)
    values: dict[str, Any] = {
        "external_transaction_id": "T1",
        "market": company.market,
        "by": company.till,
    }
    redeem(code=code, **values)
    reverse(code=code, **values)
    with pytest.raises(TransactionReused):
        redeem(code=code, **values)
    redeem(code=code, external_transaction_id="T2", market=company.market, by=company.till)
    assert list(differences()) == []


@pytest.mark.parametrize("offer", ["coupon", "gift_card"])
def test_the_database_lets_nobody_use_a_coupon_twice(company: Company, offer: str) -> None:
    """Invariant 24: without a reversal what was used stays used, whoever asks."""
    made, code = granted(company, offer)
    redeem(code=code, external_transaction_id="T-1", market=company.market, by=company.till)
    coupons = Coupon.objects.filter(compensation=made)
    changes: list[dict[str, Any]] = [
        {"state": "issued"},
        {"state": "issued", "balance_minor": F("value_minor")},
    ]
    for change in changes:
        with pytest.raises(IntegrityError, match="by a reversal alone"), transaction.atomic():
            coupons.update(**change)
    with pytest.raises(IntegrityError, match="by a reversal alone"), transaction.atomic():
        Compensation.objects.filter(pk=made.pk).update(state="issued", ended_at=None)
    reverse(external_transaction_id="T-1", market=company.market, by=company.till)
    redeem(code=code, external_transaction_id="T-2", market=company.market, by=company.till)
    with pytest.raises(IntegrityError, match="by a reversal alone"), transaction.atomic():
        coupons.update(state="issued", balance_minor=F("value_minor"))
