"""The money pages and the journal's file: who may, what they say, and that they add up."""

import csv
import datetime as dt
import io
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Market, Staff
from accounts.states import Role
from audit.models import AuditEvent
from common.windows import local_date
from compensations.actions import grant
from compensations.models import Coupon, LedgerEntry
from compensations.reconciliation import CHECKS
from compensations.tests.scenario import Company, build, person
from reporting.exports import Column, Kind, stream_csv, style_of
from reporting.views.money import CHECK_NAMES

from .test_money import busy, spread

pytestmark = pytest.mark.django_db
PAGES = (
    "/finance/",
    "/finance/open/",
    "/finance/journal/",
    "/finance/reconciliation/",
    "/finance/reconciliation/?check=1",
    "/finance/stop/",
)


@pytest.fixture
def company(db: None) -> Company:
    return build()


def enter(staff: Staff) -> Client:
    Staff.objects.filter(pk=staff.pk).update(language="en")
    client = Client()
    client.force_login(staff)
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def test_finance_and_auditors_read_and_nobody_else(company: Company) -> None:
    auditor = person(company.market, "aurora", Role.AUDITOR)
    for address in PAGES:
        for who in (company.elena, auditor):
            assert enter(who).get(address).status_code == 200, address
        for who in (company.agent, company.supervisor, company.administrator, company.cashier):
            assert enter(who).get(address).status_code == 403, address
    before = AuditEvent.objects.count()
    for who in (company.agent, company.supervisor, company.administrator):
        assert enter(who).post("/finance/journal/export/").status_code == 403
    assert AuditEvent.objects.count() == before


def test_the_page_of_what_is_owed_says_what_the_ledger_says(company: Company) -> None:
    card = grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)
    finance = enter(company.elena)
    shown = text(finance, "/finance/")
    assert "The ledger says the same to the cent: $500.00 outstanding" in shown
    Coupon.objects.filter(compensation=card).update(balance_minor=499_99)
    assert "differ from the ledger by \u2212$0.01" in text(finance, "/finance/")


def test_a_list_turns_its_pages_and_ends_with_the_sum(company: Company) -> None:
    for _number in range(53):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    finance = enter(company.elena)
    shown = text(finance, "/finance/open/?kind=coupon&age=30")
    assert shown.count("data-row-link") == 50
    assert "53 in all" in shown
    assert "$10,600.00" in shown
    following = shown.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    rest = text(finance, following.replace("&amp;", "&"))
    assert rest.count("data-row-link") == 3
    assert "53 in all" in rest
    for odd in ("?after=x", "?after=2026-01-01~x", "?age=7&kind=x&ends=z&owed=y", "?after=~"):
        assert finance.get(f"/finance/open/{odd}").status_code == 200


def test_the_journal_takes_any_address(company: Company) -> None:
    busy(company, 3)
    finance = enter(company.elena)
    for odd in (
        "?from=x&to=y",
        "?from=1900-01-01",
        "?from=2999-01-01&to=2999-01-01",
        "?to=0001-01-01",
        "?account=cash&event=gift",
        "?after=x~1",
        "?after=2026-11-22T00:00:00%2B00:00~99999999999999999999",
    ):
        assert finance.get(f"/finance/journal/{odd}").status_code == 200, odd
    shown = text(finance, "/finance/journal/?account=refunds_payable")
    assert "6 transactions" in shown
    assert "Debits equal credits and the closing balances sum to zero." in shown


def test_the_journal_says_that_its_dates_are_the_wrong_way_round(company: Company) -> None:
    finance = enter(company.elena)
    words = "The last date is before the first one. Only the last date is shown."
    shown = text(finance, "/finance/journal/?from=2026-01-09&to=2026-01-02")
    assert words in shown
    assert '<details class="menu" data-menu open>' in shown
    # What was typed is kept, and what is shown is what the heading names.
    assert 'name="from" value="2026-01-09"' in shown
    assert 'name="to" value="2026-01-02"' in shown
    shown = text(finance, "/finance/journal/?from=2026-01-02&to=2026-01-02")
    assert words not in shown
    assert "data-menu open" not in shown


def exported(client: Client, query: str = "", **body: str) -> tuple[Any, str]:
    answer = client.post(f"/finance/journal/export/{query}", body)
    assert answer.status_code == 200
    return answer, b"".join(answer).decode()


@pytest.mark.parametrize("delimiter", ["comma", "semicolon", "tab", ""])
def test_the_file_reads_back_as_the_ledger(company: Company, delimiter: str) -> None:
    busy(company, 3)
    answer, data = exported(enter(company.elena), delimiter=delimiter)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["Cache-Control"] == "no-store"
    assert answer.streaming
    assert data.startswith("\ufeff")
    mark = {"comma": ",", "semicolon": ";", "tab": "\t", "": ","}[delimiter]
    rows = list(csv.DictReader(io.StringIO(data.removeprefix("\ufeff")), delimiter=mark))
    found = Counter(
        (row["Transaction"], int(row["Amount in minor units"]), row["Currency"], row["Folio"])
        for row in rows
    )
    wanted = Counter(
        (str(row.transaction), row.amount_minor, row.currency, row.compensation.incident.folio)
        for row in LedgerEntry.objects.select_related("compensation__incident")
    )
    assert found == wanted
    for row in rows:
        minor = int(row["Amount in minor units"])
        major, other = (row["Debit"], row["Credit"])[:: 1 if minor > 0 else -1]
        assert other == ""
        whole, cents = major.split(".")
        assert int(whole) * 100 + int(cents) == abs(minor)
        assert row["UTC"].endswith("Z")
    event = AuditEvent.objects.get(act="journal.exported")
    assert event.after is not None
    assert (event.after["rows"], event.actor_id) == (len(rows), str(company.elena.pk))


def test_a_market_with_commas_gets_semicolons(company: Company) -> None:
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    Market.objects.update(locale="es-CO")
    _answer, data = exported(enter(company.elena))
    lines = data.removeprefix("\ufeff").splitlines()
    assert len(lines) == 3
    assert "200,00" in lines[1].split(";")


def test_a_file_in_pieces_is_whole_and_runs_nothing(company: Company) -> None:
    rows = [[f"=cmd|' /C calc'!A{number}", -number] for number in range(9_000)]
    columns = [Column("Folio"), Column("Minor", Kind.COUNT)]
    pieces = list(stream_csv(columns, iter(rows), style_of(company.market)))
    assert len(pieces) > 3
    read = list(csv.reader(io.StringIO(b"".join(pieces).decode().removeprefix("\ufeff"))))
    assert read[0] == ["Folio", "Minor"]
    assert [int(row[1]) for row in read[1:]] == [row[1] for row in rows]
    assert all(row[0].startswith("'=") for row in read[1:])


def test_a_file_has_what_its_page_shows(company: Company) -> None:
    busy(company, 3)
    client = enter(company.elena)
    _answer, data = exported(client, "?account=refunds_payable&event=issue")
    rows = list(csv.DictReader(io.StringIO(data.removeprefix("\ufeff"))))
    wanted = LedgerEntry.objects.filter(account="refunds_payable", event="issue")
    assert {row["Transaction"] for row in rows} == {
        str(key) for key in wanted.values_list("transaction", flat=True)
    }
    yesterday = local_date(timezone.now(), company.market.time_zone) - dt.timedelta(days=1)
    _answer, data = exported(client, f"?from={yesterday}&to={yesterday}")
    assert len(data.splitlines()) == 1
    abroad = build("CO")
    _answer, data = exported(enter(abroad.elena))
    assert len(data.splitlines()) == 1


def test_reconciliation_names_what_differs(company: Company) -> None:
    card = grant(incident=company.incident(), offer=company.offers["gift_card"], by=company.agent)
    finance = enter(company.elena)
    assert "Everything adds up" in text(finance, "/finance/reconciliation/?check=1")
    Coupon.objects.filter(compensation=card).update(balance_minor=7)
    shown = text(finance, "/finance/reconciliation/?check=1")
    assert "Something does not add up" in shown
    assert str(card.coupon.pk) in shown


def test_every_check_has_its_name() -> None:
    assert set(CHECK_NAMES) == set(CHECKS)


RECORDED = {
    "/finance/": 19,
    "/finance/open/": 12,
    "/finance/journal/": 13,
    "/finance/stop/": 12,
}


@pytest.mark.parametrize("times", [2, 8])
def test_each_page_runs_its_recorded_number(company: Company, times: int) -> None:
    spread(busy(company, times), company.market)
    finance = enter(company.elena)
    ran = {}
    for address in RECORDED:
        finance.get(address)
        with CaptureQueriesContext(connection) as queries:
            finance.get(address)
        ran[address] = len(queries)
    assert ran == RECORDED
