"""Liability, journal and closing against a naive recount of the same rows."""

import datetime as dt
from collections import defaultdict
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from common.windows import day_bounds, local_date
from compensations.actions import grant, redeem, void
from compensations.actions.closing import close_ledger
from compensations.book import EVER, balances, moved
from compensations.models import Compensation, Coupon, LedgerDay, LedgerEntry
from compensations.reconciliation import differences, run_checks
from compensations.states import REFUND_KINDS, Account, CompensationState, LedgerEvent
from compensations.tests.scenario import Company, build, code_of
from reporting.selectors.money import (
    AGE_NAMES,
    END_NAMES,
    Open,
    Span,
    all_bookings,
    bookings,
    breakage,
    liability,
    open_rows,
    trend,
    trial_balance,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company(db: None) -> Company:
    return build()


def busy(company: Company, made: int = 6) -> list[Compensation]:
    """Grants of every kind, some used in part or whole, voided, or past their date."""
    given = []
    for number in range(made):
        # The whole is given back on another case than a part: both are more than was at stake.
        incident, whole = company.incident(), company.incident()
        for name in ("coupon", "gift_card", "refund", "statutory", "large"):
            amount = 600_00 if name == "large" else None
            given.append(
                grant(
                    incident=whole if name == "statutory" else incident,
                    offer=company.offers[name],
                    amount_minor=amount,
                    by=company.agent,
                )
            )
        coupon, card, _refund, _legal, courtesy = given[-5:]
        if number % 3 == 0:
            redeem(
                code=code_of(card),
                external_transaction_id=f"T{number}",
                market=company.market,
                amount_minor=123_45,
                by=company.till,
            )
        if number % 3 == 1:
            redeem(
                code=code_of(coupon),
                external_transaction_id=f"T{number}",
                market=company.market,
                by=company.till,
            )
        if number % 3 == 2:
            void(compensation=courtesy, reason="por error", by=company.agent)
    return given


def spread(given: list[Compensation], market: Any) -> None:
    """Moves each one's issue and end apart, so that every age and span is met."""
    now = timezone.now()
    for number, row in enumerate(given):
        issued = now - dt.timedelta(days=13 * number, minutes=7)
        ends = now + dt.timedelta(days=9 * (number - 2), minutes=11)
        Compensation.objects.filter(pk=row.pk).update(
            issued_at=issued, expires_at=None if row.expires_at is None else ends
        )


def naive(company: Company) -> dict[tuple[str, str, str], list[int]]:
    """(owed, age, ends) to count and face, one row at a time in Python."""
    now = timezone.now()
    today = local_date(now, company.market.time_zone)
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in Compensation.objects.filter(state=CompensationState.ISSUED):
        coupon = Coupon.objects.filter(compensation=row).first()
        assert row.issued_at is not None
        days = (today - local_date(row.issued_at, company.market.time_zone)).days
        age = next((str(top) for top in (30, 60, 90, 180) if days <= top), "more")
        ends = "none"
        if row.expires_at is not None:
            last = local_date(
                row.expires_at - dt.timedelta(microseconds=1), company.market.time_zone
            )
            left = (last - today).days
            ends = next((str(top) for top in (7, 30, 60, 90) if left < top), "more")
            if row.expires_at <= now:
                ends = "past"
        cell = found["refunds" if row.kind in REFUND_KINDS else "liability", age, ends]
        cell[0] += 1
        cell[1] += coupon.balance_minor if coupon else row.face_minor
    return dict(found)


def test_what_is_owed_is_the_recount_and_the_ledger(company: Company) -> None:
    given = busy(company)
    spread(given, company.market)
    now = timezone.now()
    found = liability(company.market, now)
    cells: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for cell in found.cells:
        cells[cell.owed, cell.age, cell.ends][0] += cell.sum.count
        cells[cell.owed, cell.age, cell.ends][1] += cell.sum.face
    assert dict(cells) == naive(company)
    assert len(cells) > 8
    assert found.difference == 0
    assert found.total(Open()).face == found.ledger > 0
    assert found.total(Open(owed="refunds")).face == found.ledger_refunds > 0


def test_a_card_partly_used_is_expected_to_cost_its_part(company: Company) -> None:
    card = grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)
    redeem(
        code=code_of(card),
        external_transaction_id="T1",
        market=company.market,
        amount_minor=200_00,
        by=company.till,
    )
    owed = liability(company.market, timezone.now()).total(Open(kind="gift_card"))
    assert (owed.count, owed.face, owed.expected) == (1, 300_00, 180_00)


def test_every_list_adds_up_to_its_figure(company: Company) -> None:
    spread(busy(company), company.market)
    now = timezone.now()
    found = liability(company.market, now)
    asked = [Open(), Open(owed="refunds"), Open(nature="statutory", owed="refunds")]
    asked += [Open(age=age) for age in AGE_NAMES] + [Open(ends=end) for end in END_NAMES]
    asked += [Open(kind=kind) for kind in ("coupon", "gift_card", "courtesy", "points")]
    for chosen in asked:
        rows = open_rows(company.market, chosen, now, limit=1_000)
        total = found.total(chosen)
        assert (len(rows), sum(row.face for row in rows)) == (total.count, total.face), chosen
        assert sum(row.expected for row in rows) == total.expected
    first = open_rows(company.market, Open(), now, limit=2)
    rest = open_rows(
        company.market, Open(), now, after=(first[-1].issued_at, first[-1].id), limit=1_000
    )
    whole = open_rows(company.market, Open(), now, limit=1_000)
    assert [*first, *rest] == whole


def backdate(days: int = 3) -> None:
    """Entries spread over days, as a test alone may: the guard is the owner's to lift."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE compensations_ledgerentry DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE compensations_ledgerentry entry SET at = entry.at - moved.days * "
            "interval '25 hours' FROM (SELECT transaction, row_number() OVER "
            "(ORDER BY min(id)) %% %s AS days FROM compensations_ledgerentry GROUP BY transaction) "
            "moved WHERE moved.transaction = entry.transaction",
            [days],
        )
        cursor.execute("ALTER TABLE compensations_ledgerentry ENABLE TRIGGER USER")


def test_closed_days_give_the_same_book(company: Company) -> None:
    busy(company)
    backdate(5)
    today = local_date(timezone.now(), company.market.time_zone)
    keys = ["date", "account", "event"]
    tomorrow = today + dt.timedelta(days=1)
    open_book = moved(company.market, EVER, tomorrow, by=keys)
    lines = trend(company.market, today, 10)
    # Yesterday can be closed by then, whatever the hour is, and today cannot.
    later = day_bounds(today, company.market.time_zone)[0] + dt.timedelta(hours=2)
    assert close_ledger(market=company.market, now=later) >= 4
    assert close_ledger(market=company.market, now=later) == 0
    assert LedgerDay.objects.exists()
    assert moved(company.market, EVER, tomorrow, by=keys) == open_book
    assert trend(company.market, today, 10) == lines
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    total = sum(
        LedgerEntry.objects.filter(account=Account.LIABILITY).values_list("amount_minor", flat=True)
    )
    assert balances(company.market, today)[Account.LIABILITY] == total
    assert list(differences()) == []
    # A day that was closed wrongly is named.
    LedgerDay.objects.filter(account=Account.LIABILITY).update(debit_minor=1)
    assert {row.check for row in differences()} == {"closed ledger day equals its entries"}
    call_command("close_ledger", market="MX", again=True, stdout=StringIO())
    assert list(differences()) == []
    with pytest.raises(CommandError):
        call_command("close_ledger", market="XX", stdout=StringIO())
    assert list(differences(build("CO").market)) == []


def test_the_journal_holds_every_transaction_once(company: Company) -> None:
    busy(company)
    backdate(3)
    today = local_date(timezone.now(), company.market.time_zone)
    span = Span(company.market, today - dt.timedelta(days=9), today)
    every = list(all_bookings(span, chunk=7))
    made = set(LedgerEntry.objects.values_list("transaction", flat=True))
    assert len(every) == len(made)
    assert {row.transaction for row in every} == made
    assert [row.at for row in every] == sorted(row.at for row in every)
    assert all(sum(entry.minor for entry in row.entries) == 0 for row in every)
    newest = bookings(span, limit=5)
    following = bookings(span, limit=5, after=(newest[-1].at, newest[-1].id))
    assert [row.transaction for row in [*newest, *following]] == [
        row.transaction for row in reversed(every)
    ][:10]


@pytest.mark.parametrize("account", ["", *Account.values])
@pytest.mark.parametrize("event", ["", *LedgerEvent.values])
def test_journal_filters(company: Company, account: str, event: str) -> None:
    busy(company, 3)
    today = local_date(timezone.now(), company.market.time_zone)
    span = Span(company.market, today, today, account, event)
    rows = LedgerEntry.objects.all()
    if event:
        rows = rows.filter(event=event)
    if account:
        rows = rows.filter(account=account)
    wanted = set(rows.values_list("transaction", flat=True))
    assert {row.transaction for row in all_bookings(span, chunk=4)} == wanted
    line = {line.account: line for line in trial_balance(span)}
    if account:
        assert line[account].entries == rows.count()
    assert sum(one.closing for one in line.values()) == 0
    assert sum(one.debit for one in line.values()) == sum(one.credit for one in line.values())


def test_breakage_and_checks(company: Company) -> None:
    busy(company, 2)
    today = local_date(timezone.now(), company.market.time_zone)
    assert breakage(company.market, today, today + dt.timedelta(days=1)) == 0
    results = run_checks(company.market)
    assert all(result.adds_up for result in results)
    Coupon.objects.filter(keeps_balance=True, state="issued").update(balance_minor=7)
    named = {result.check: result for result in run_checks(company.market, at_most=1)}
    wrong = named["coupon balance equals its debt"]
    assert (len(wrong.differences), wrong.more, wrong.adds_up) == (1, True, False)
    assert all(result.adds_up for result in run_checks(build("CO").market)), (
        "another market's differences are not told"
    )
    late = run_checks(company.market, seconds=0)
    assert not any(result.ended or result.adds_up for result in late)
