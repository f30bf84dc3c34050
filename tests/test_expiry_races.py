"""Expiry against whoever uses, voids or undoes the same coupon at that moment, in real processes.

One winner, and every figure still its sum. The control runs without the row's lock and must lose.
"""

import datetime as dt
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from audit.models import AuditEvent
from compensations.actions import expire_all, expire_due, grant, redeem, reverse, void
from compensations.models import Compensation, Coupon, LedgerEntry, Redemption
from compensations.reconciliation import differences
from compensations.tests.scenario import Company, build, code_of
from tests.support.race import count, errors, race

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def company() -> Company:
    return build()


def granted(company: Company, offer: str = "coupon") -> Compensation:
    return grant(incident=company.incident(), offer=company.offers[offer], by=company.agent)


def ends(made: Compensation, seconds: float) -> None:
    """The coupon's time is over in so many seconds; it was over when negative."""
    moment = timezone.now() + dt.timedelta(seconds=seconds)
    Compensation.objects.filter(pk=made.pk).update(expires_at=moment)
    Coupon.objects.filter(compensation=made).update(expires_at=moment)


def test_expire_against_void_has_one_winner(company: Company) -> None:
    for _round in range(3):
        made = granted(company)
        ends(made, -1)

        def work(number: int, made: Compensation = made) -> str:
            if number % 2:
                void(compensation=made, reason="carrera", by=company.agent)
                return "voided"
            return "expired" if expire_due() else "nothing"

        answers = race(work, range(10))
        assert errors(answers) == []
        won = [value for kind, value in answers if kind == "ok" and value != "nothing"]
        made.refresh_from_db()
        assert won == [made.state]
        assert list(differences()) == []


def test_expire_against_redeem_has_one_winner(company: Company) -> None:
    for _round in range(3):
        made = granted(company)
        code = code_of(made)
        ends(made, 0.4)

        def work(number: int, code: str = code) -> str:
            end = time.monotonic() + 1.0
            if number == 0:
                # As late as it can be.
                time.sleep(0.37)
                redeem(
                    code=code,
                    external_transaction_id=code,
                    market=company.market,
                    by=company.till,
                )
                return "settled"
            while time.monotonic() < end:
                if expire_due():
                    return "expired"
            return "nothing"

        answers = race(work, range(6))
        assert errors(answers) == []
        won = [value for kind, value in answers if kind == "ok" and value != "nothing"]
        made.refresh_from_db()
        assert won == [made.state]
        assert list(differences()) == []


def _used_while_it_expires(company: Company, *, guards_off: Sequence[str] = ()) -> Any:
    """A card is used in time by a till that commits only when the date has passed."""
    made = granted(company, "gift_card")
    code = code_of(made)
    ends(made, 0.5)

    def work(number: int) -> int:
        if number == 0:
            with transaction.atomic():
                redeem(
                    code=code,
                    external_transaction_id="1",
                    market=company.market,
                    amount_minor=180_00,
                    by=company.till,
                )
                time.sleep(1.5)
            return 0
        time.sleep(1)
        return expire_due()

    return race(work, range(3), guards_off=guards_off)


def test_a_use_that_commits_after_the_date_is_not_overwritten(company: Company) -> None:
    answers = _used_while_it_expires(company)
    assert errors(answers) == []
    assert sum(value for _kind, value in answers) == 0
    assert Coupon.objects.get().balance_minor == 320_00
    Redemption.objects.update(created_at=timezone.now() - dt.timedelta(hours=1))
    assert expire_all() == 1
    assert list(differences()) == []


def test_a_use_that_commits_after_the_date_without_the_guard(company: Company) -> None:
    _used_while_it_expires(company, guards_off=["expire"])
    assert list(differences()) != []


def test_expire_against_reverse_loses_nothing(company: Company) -> None:
    made = granted(company)
    redeem(code=code_of(made), external_transaction_id="1", market=company.market, by=company.till)
    ends(made, -1)

    def work(number: int) -> int:
        if number == 0:
            reverse(external_transaction_id="1", market=company.market, by=company.till)
            return 0
        end = time.monotonic() + 0.7
        return max(expire_due() for _try in iter(lambda: time.monotonic() < end, False))

    answers = race(work, range(6))
    assert errors(answers) == []
    assert count(answers, "ok") == 6
    expire_all()
    made.refresh_from_db()
    assert made.state == "expired"
    assert LedgerEntry.objects.filter(event="expire").count() == 2
    assert list(differences()) == []


def test_many_runs_at_once_expire_each_coupon_once(company: Company) -> None:
    for _number in range(40):
        ends(granted(company), -1)
    answers = race(lambda _number: expire_all(), range(6))
    assert errors(answers) == []
    assert sum(value for _kind, value in answers) == 40
    assert LedgerEntry.objects.filter(event="expire").count() == 80
    assert AuditEvent.objects.filter(act="compensation.expired").count() == 40
    assert list(differences()) == []


def _killed_in_its_third_batch() -> None:
    batches = AuditEvent.objects.bulk_create
    done = 0

    def killing(rows: Any) -> Any:
        nonlocal done
        done += 1
        if done == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return batches(rows)

    AuditEvent.objects.bulk_create = killing  # type: ignore[method-assign, assignment]
    while expire_due(limit=5):
        pass


def test_a_kill_in_the_middle_loses_nothing(company: Company) -> None:
    for _number in range(20):
        ends(granted(company), -1)
    connections.close_all()
    child = multiprocessing.get_context("fork").Process(target=_killed_in_its_third_batch)
    child.start()
    child.join(timeout=30)
    assert child.exitcode == -signal.SIGKILL
    assert Compensation.objects.filter(state="expired").count() == 10
    assert list(differences()) == []
    deadline = time.monotonic() + 10
    # The server notices the dead client within moments; its locks go with it.
    while Compensation.objects.filter(state="issued").exists() and time.monotonic() < deadline:
        expire_all()
    assert Compensation.objects.filter(state="expired").count() == 20
    assert AuditEvent.objects.filter(act="compensation.expired").count() == 20
    assert list(differences()) == []
