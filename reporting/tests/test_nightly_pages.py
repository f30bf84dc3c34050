"""The pages of nightly reports: who reads what, comments, sign-off, files, and their queries."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Staff, Team
from accounts.states import Role
from audit.models import AuditEvent
from compensations.tests.scenario import Company, build, person
from incidents.models import Incident
from reporting.actions import build_report
from reporting.models import NightlyReport, ReportComment, ReportSignature

from .history import History
from .test_rollups import MONDAY, TUESDAY, at, week

pytestmark = pytest.mark.django_db
PAGE_QUERIES = 30
SPANISH = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]


@pytest.fixture
def company(db: None) -> Company:
    return build()


@pytest.fixture
def report(company: Company) -> NightlyReport:
    """Monday with a second team that the supervisor does not supervise."""
    history = week(company)
    other = Team.objects.create(market=company.market, name="Restaurante")
    waiter = person(company.market, "waiter", Role.AGENT, team=other)
    history.given(
        history.case(at(company, MONDAY, 13), team=other, owner=waiter),
        at(company, MONDAY, 13),
        face=999_00,
        by=waiter,
    )
    return build_report(company.market, MONDAY).report


def signed_in(staff: Staff) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def address(report: NightlyReport, name: str = "nightly-report") -> str:
    return reverse(name, args=[report.market.code, report.date.isoformat()])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_finance_reads_the_whole_market_in_sentences(
    company: Company, report: NightlyReport
) -> None:
    company.elena.language = "en"
    company.elena.save()
    page = text(signed_in(company.elena).get(address(report)))
    assert "6 cases were logged, 3 with a compensation by midnight." in page
    assert "Every sum agrees with the ledger to the cent." in page
    assert "Restaurante" in page
    assert "1 redeemed for $120.00" in page


def test_a_supervisor_reads_their_own_teams(company: Company, report: NightlyReport) -> None:
    company.supervisor.language = "en"
    company.supervisor.save()
    page = text(signed_in(company.supervisor).get(address(report)))
    assert "5 cases were logged" in page
    assert "Restaurante" not in page
    # As a number: a key may hold the digits.
    assert not re.search(r"\b999\b", page)
    assert 'id="ledger"' not in page


@pytest.mark.parametrize("name", ["nightly-reports", "nightly-report"])
def test_agents_see_nothing_here(company: Company, report: NightlyReport, name: str) -> None:
    url = reverse(name) if name == "nightly-reports" else address(report)
    assert signed_in(company.agent).get(url).status_code == 403
    assert signed_in(company.cashier).get(url).status_code == 403


def test_what_is_not_there_and_what_is_anothers_look_the_same(
    company: Company, report: NightlyReport
) -> None:
    other = build("ES")
    build_report(other.market, MONDAY)
    finance = signed_in(company.elena)
    for code, date in (("ES", MONDAY), ("XX", MONDAY), ("MX", "2020-01-01"), ("MX", "x")):
        url = reverse("nightly-report", args=[code, str(date)])
        assert finance.get(url).status_code == 404
        assert finance.post(f"{url}sign/", {}).status_code == 404
        assert finance.post(f"{url}comment/", {"body": "x"}).status_code == 404


def sign(client: Client, report: NightlyReport, team: Team, **more: Any) -> Any:
    fields = {"team": team.pk, "revision": report.revision, "note": "Visto", **more}
    return client.post(address(report, "nightly-sign"), fields)


def test_a_supervisor_signs_their_team_once(company: Company, report: NightlyReport) -> None:
    client = signed_in(company.supervisor)
    assert sign(client, report, company.team).status_code == 302
    row = ReportSignature.objects.get()
    assert (row.team, row.by, row.revision, row.note) == (
        company.team,
        company.supervisor,
        1,
        "Visto",
    )
    told = AuditEvent.objects.get(act="report.signed")
    assert (told.object_id, told.reason) == (str(report.pk), "Visto")
    assert sign(client, report, company.team).status_code == 409
    assert ReportSignature.objects.count() == 1
    assert company.supervisor.name in text(client.get(address(report)))


def test_others_teams_and_other_roles_do_not_sign(company: Company, report: NightlyReport) -> None:
    other = Team.objects.get(name="Restaurante")
    assert sign(signed_in(company.supervisor), report, other).status_code == 404
    auditor = person(company.market, "auditor", Role.AUDITOR)
    assert sign(signed_in(auditor), report, company.team).status_code == 403
    # Finance signs only where no supervisor can.
    assert sign(signed_in(company.elena), report, company.team).status_code == 403
    assert not ReportSignature.objects.exists()


def test_nobody_signs_off_their_own_figures(company: Company) -> None:
    history = History(company)
    history.given(
        history.case(at(company, MONDAY, 9)), at(company, MONDAY, 9), by=company.supervisor
    )
    report = build_report(company.market, MONDAY).report
    client = signed_in(company.supervisor)
    company.supervisor.language = "en"
    company.supervisor.save()
    assert "somebody else has to sign" in text(client.get(address(report)))
    answer = sign(client, report, company.team)
    assert answer.status_code == 403
    assert not ReportSignature.objects.exists()
    # Without another supervisor it falls to finance; with one, to that one.
    assert company.elena.name in text(client.get(address(report)))
    second = person(company.market, "second", Role.SUPERVISOR)
    assert sign(signed_in(company.elena), report, company.team).status_code == 403
    company.team.supervisors.add(second)
    assert sign(signed_in(second), report, company.team).status_code == 302


def test_a_correction_has_to_be_signed_again(company: Company, report: NightlyReport) -> None:
    client = signed_in(company.supervisor)
    sign(client, report, company.team)
    case = Incident.objects.filter(team=company.team).earliest("logged_at")
    Incident.objects.filter(pk=case.pk).update(owner=company.colleague)
    revised = build_report(company.market, MONDAY).report
    assert revised.revision == 2
    # What was read was the first one.
    assert sign(client, report, company.team).status_code == 409
    assert sign(client, revised, company.team).status_code == 302
    assert ReportSignature.objects.count() == 2


def test_comments_stay_and_are_seen_by_every_reader(
    company: Company, report: NightlyReport
) -> None:
    client = signed_in(company.supervisor)
    url = address(report, "nightly-comment")
    assert client.post(url, {"body": "  "}).status_code == 422
    long = client.post(url, {"body": "x" * 1001})
    assert long.status_code == 422
    assert "x" * 1001 in text(long), "what was typed is kept"
    assert client.post(url, {"body": "<b>Lluvia</b>"}).status_code == 302
    assert ReportComment.objects.get().body == "<b>Lluvia</b>"
    assert AuditEvent.objects.filter(act="report.commented").count() == 1
    assert "&lt;b&gt;Lluvia&lt;/b&gt;" in text(signed_in(company.elena).get(address(report)))


def test_the_list_says_what_waits(company: Company, report: NightlyReport) -> None:
    build_report(company.market, TUESDAY)
    company.elena.language = "en"
    company.elena.save()
    page = text(signed_in(company.elena).get(reverse("nightly-reports")))
    assert page.index(address(NightlyReport.objects.get(date=TUESDAY))) < page.index(
        address(report)
    )
    assert "0 of 2 signed; missing: Recepción, Restaurante" in page
    older = text(
        signed_in(company.elena).get(reverse("nightly-reports"), {"before": TUESDAY.isoformat()})
    )
    assert address(report) in older
    assert address(NightlyReport.objects.get(date=TUESDAY)) not in older
    supervisor = text(signed_in(company.supervisor).get(reverse("nightly-reports")))
    assert "Restaurante" not in supervisor


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_files_hold_the_readers_part_and_are_on_record(
    company: Company, report: NightlyReport, kind: str
) -> None:
    Team.objects.filter(pk=company.team.pk).update(name="=1+1")
    answer = signed_in(company.supervisor).get(address(report), {"export": kind})
    assert answer.status_code == 200
    assert f"MX-{MONDAY.isoformat()}.{kind}" in answer["Content-Disposition"]
    if kind == "csv":
        assert answer.content.startswith(b"\xef\xbb\xbf")
        assert "Restaurante" not in text(answer)
        assert "'=1+1" in text(answer)
    told = AuditEvent.objects.get(act="report.exported")
    assert told.after is not None
    assert told.after["filters"] == {"date": MONDAY.isoformat(), "revision": "1"}


@pytest.mark.parametrize("who", ["supervisor", "elena"])
def test_queries_do_not_grow_with_the_report(
    company: Company, report: NightlyReport, who: str
) -> None:
    client = signed_in(getattr(company, who))

    def count(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    history = History(company)

    def more(people: int, nights: range) -> None:
        """Each with a pair and a void; the report of Monday and some empty ones."""
        for _number in range(people):
            agent = person(company.market, "more", Role.AGENT, team=company.team)
            case = history.case(at(company, MONDAY, 9), owner=agent)
            made = history.given(case, at(company, MONDAY, 9), by=agent)
            history.given(history.case(at(company, MONDAY, 9)), at(company, MONDAY, 9), by=agent)
            history.voided(made, at(company, MONDAY, 10))
        build_report(company.market, MONDAY)
        for number in nights:
            build_report(company.market, MONDAY + dt.timedelta(days=number))

    urls = [reverse("nightly-reports"), address(report)]
    more(1, range(2, 3))
    before = [count(url) for url in urls]
    more(8, range(3, 8))
    assert [count(url) for url in urls] == before
    assert max(before) <= PAGE_QUERIES


def test_a_person_is_two_lines_and_what_waits_comes_first(
    company: Company, report: NightlyReport
) -> None:
    company.supervisor.language = "en"
    company.supervisor.save()
    page = text(signed_in(company.supervisor).get(address(report)))
    assert f'href="#sign-{company.team.pk}"' in page
    assert f'id="sign-{company.team.pk}"' in page
    assert page.index("Waits for your signature") < page.index("5 cases were logged")
    line = page[page.index('class="nightly-kinds"') :]
    assert "Coupon " in line[:200]


def test_spanish_writes_its_months_small(company: Company, report: NightlyReport) -> None:
    page = text(signed_in(company.elena).get(reverse("nightly-reports")))
    assert f" {MONDAY.day} {SPANISH[MONDAY.month - 1]} {MONDAY.year}" in page


def test_a_post_is_needed_to_sign_or_comment(
    company: Company, report: NightlyReport, client: Client
) -> None:
    supervisor = signed_in(company.supervisor)
    asked: list[Callable[..., Any]] = [supervisor.get, supervisor.put]
    for ask in asked:
        assert ask(address(report, "nightly-sign")).status_code == 405
        assert ask(address(report, "nightly-comment")).status_code == 405
    assert client.get(address(report)).status_code == 302
