"""Expiry, one run at a time: what expires, what does not, and what it leaves behind."""

import datetime as dt

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from compensations.actions import (
    expire_all,
    expire_due,
    grant,
    redeem,
    reserve,
    reverse,
    void,
)
from compensations.models import Compensation, Coupon, LedgerEntry, LimitCounter, Redemption
from compensations.periodic import expire
from compensations.reconciliation import differences
from compensations.refusals import CouponNotValid, VoidRefused

from .scenario import Company, build, code_of

pytestmark = pytest.mark.django_db


def granted(company: Company, offer: str = "coupon") -> Compensation:
    return grant(incident=company.incident(), offer=company.offers[offer], by=company.agent)


def lapse(made: Compensation, seconds: float = 1) -> None:
    """Moves the last day so many seconds into the past."""
    past = timezone.now() - dt.timedelta(seconds=seconds)
    Compensation.objects.filter(pk=made.pk).update(expires_at=past)
    Coupon.objects.filter(compensation=made).update(expires_at=past)


def state(made: Compensation) -> tuple[str, str]:
    return (
        Compensation.objects.get(pk=made.pk).state,
        Coupon.objects.get(compensation=made).state,
    )


def test_what_has_passed_expires_once_and_its_debt_is_breakage(company: Company) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    made, other = granted(company), granted(company)
    lapse(made)
    assert expire() == 1
    assert expire() == 0
    assert state(made) == ("expired", "expired")
    assert state(other) == ("issued", "issued")
    moved = LedgerEntry.objects.filter(event="expire").order_by("amount_minor")
    assert [(row.account, row.amount_minor) for row in moved] == [
        ("breakage", -200_00),
        ("outstanding_liability", 200_00),
    ]
    row = Compensation.objects.get(pk=made.pk)
    assert {entry.at for entry in moved} == {row.ended_at}
    assert Coupon.objects.get(compensation=made).code_ciphertext is None
    # What was given was given: the room stays used.
    assert LimitCounter.objects.get().used == 400_00
    assert list(differences()) == []


def test_expiry_is_on_record_as_the_systems_act(company: Company) -> None:
    made = granted(company)
    lapse(made)
    expire_due()
    row = AuditEvent.objects.get(act="compensation.expired")
    assert (row.actor_kind, row.object_id, row.about_id, row.market_code) == (
        "system",
        str(made.pk),
        str(made.incident_id),
        company.market.code,
    )
    assert row.before == {"state": "issued"}
    assert row.after == {"state": "expired", "amount_minor": 200_00, "currency": "MXN"}


def test_a_gift_card_expires_with_what_is_left(company: Company) -> None:
    made = granted(company, "gift_card")
    redeem(
        code=code_of(made),
        external_transaction_id="1",
        market=company.market,
        amount_minor=180_00,
        by=company.till,
    )
    lapse(made)
    assert expire_all() == 0, "its use may still be undone"
    Redemption.objects.update(created_at=timezone.now() - dt.timedelta(minutes=31))
    assert expire_all() == 1
    assert state(made) == ("expired", "expired")
    breakage = LedgerEntry.objects.get(event="expire", account="breakage")
    assert breakage.amount_minor == -320_00
    assert list(differences()) == []


def test_a_reservation_holds_a_coupon_until_it_runs_out(company: Company) -> None:
    made = granted(company)
    reserve(code=code_of(made), market=company.market, minutes=5, by=company.till)
    lapse(made)
    assert expire_all() == 0
    Coupon.objects.update(reserved_until=timezone.now() - dt.timedelta(seconds=1))
    assert expire_all() == 1
    assert state(made) == ("expired", "expired")
    assert list(differences()) == []


def test_a_redemption_undone_after_the_date_expires(company: Company) -> None:
    made = granted(company)
    redeem(code=code_of(made), external_transaction_id="1", market=company.market, by=company.till)
    lapse(made)
    assert expire_all() == 0
    assert state(made) == ("settled", "redeemed")
    reverse(external_transaction_id="1", market=company.market, by=company.till)
    assert expire_all() == 1
    assert state(made) == ("expired", "expired")
    assert list(differences()) == []


def test_what_ended_otherwise_never_expires(company: Company) -> None:
    gone = granted(company)
    void(compensation=gone, reason="Error", by=company.agent)
    lapse(gone)
    refund = granted(company, "refund")
    assert expire_all() == 0
    assert state(gone) == ("voided", "voided")
    assert Compensation.objects.get(pk=refund.pk).state == "issued"


def test_what_expired_is_neither_used_nor_voided(company: Company) -> None:
    made = granted(company)
    code = code_of(made)
    lapse(made)
    expire_all()
    with pytest.raises(CouponNotValid):
        redeem(code=code, external_transaction_id="1", market=company.market, by=company.till)
    with pytest.raises(VoidRefused):
        void(compensation=made, reason="Error", by=company.agent)
    assert list(differences()) == []


def test_batches_go_by_date_and_by_market(company: Company) -> None:
    rows = [granted(company) for _ in range(3)]
    for seconds, made in enumerate(rows, start=1):
        lapse(made, seconds)
    other = build("ES")
    foreign = granted(other)
    lapse(foreign)
    assert expire_due(limit=1, market=company.market) == 1
    assert [state(made)[0] for made in rows] == ["issued", "issued", "expired"]
    assert expire_all(market=company.market) == 2
    assert state(foreign)[0] == "issued"
    assert expire_all() == 1
