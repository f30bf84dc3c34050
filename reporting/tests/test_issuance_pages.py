"""The pages of issuance: every number adds up, who sees what, files, queries, addresses."""

import csv
import io
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from accounts.models import RoleGrant, Staff
from accounts.states import Role
from audit.models import AuditEvent
from compensations.tests.scenario import person
from incidents.actions import create_customer
from incidents.models import Incident

from .issuance_world import World, build_world

pytestmark = pytest.mark.django_db

DASHBOARD, OWN, LIST = "/reports/issuance/", "/reports/issuance/me/", "/reports/issuance/list/"
# Session, person, roles, market, rail and frame included; more rows never mean more of them.
RECORDED = {"finance": 24, "supervisor": 26, "own": 21, "list": 13, "cases": 13}


class Links(HTMLParser):
    """The links of a page with their text, and what stands in a list's foot."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.totals: dict[str, str] = {}
        self._href = self._total = ""
        self._text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self._href, self._text = values.get("href") or "", ""
        if "data-total" in values:
            self._total, self._text = values["data-total"] or "", ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            self.found.append((self._href, " ".join(self._text.split())))
            self._href = ""
        if tag == "strong" and self._total:
            self.totals[self._total] = " ".join(self._text.split())
            self._total = ""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world(5)
        transaction.set_rollback(True)


SignIn = Callable[[Staff], Client]


@pytest.fixture
def signed_in() -> SignIn:
    def sign_in(staff: Staff) -> Client:
        Staff.objects.filter(pk=staff.pk).update(language="en")
        client = Client()
        client.force_login(staff)
        return client

    return sign_in


def numbers(client: Client, path: str) -> list[tuple[str, str]]:
    """The links of a page that lead to a list, with the numbers that they show."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    links = Links(answer.content.decode()).found
    return [(href, text) for href, text in links if href.startswith(LIST)]


def adds_up(client: Client, href: str, text: str) -> bool:
    """Whether the foot of the list says the number that led to it."""
    answer = client.get(href)
    assert answer.status_code == 200, href
    totals = Links(answer.content.decode()).totals
    if "measure=repeat" in href and "customer=" not in href:
        return totals.get("people") == text
    return text in {totals.get("number"), totals.get("money")}


@pytest.mark.parametrize("query", ["", "?period=30&compare=none", "?period=30&channel=phone"])
def test_every_number_adds_up(world: World, signed_in: SignIn, query: str) -> None:
    client = signed_in(world.company.elena)
    found = numbers(client, DASHBOARD + query)
    measures = {parse_qs(urlsplit(href).query)["measure"][0] for href, _text in found}
    if query == "?period=30&compare=none":
        assert measures >= {
            "cases",
            "compensated",
            "issued",
            "direct",
            "approved",
            "waiting",
            "coupons",
            "used",
            "late",
            "on-time",
            "running",
            "voided",
            "requested",
            "rejected",
            "repeat",
            "valid",
        }
        assert any("weekday=" in href and "hour=" in href for href, _text in found)
    wrong = [(href, text) for href, text in sorted(set(found)) if not adds_up(client, href, text)]
    assert wrong == []


def test_a_list_says_to_which_hour_it_is_narrowed(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.elena)
    answer = client.get(f"{LIST}?period=30&measure=issued&law=no&weekday=5&hour=23")
    chips = {chip["label"]: chip["remove_url"] for chip in answer.context["chips"]}
    assert list(chips) == ["Weekday: Friday", "Hour: 23:00 to 24:00", "Goodwill"]
    assert "hour=23" in chips["Weekday: Friday"]
    assert "weekday" not in chips["Weekday: Friday"]
    assert "hour" not in chips["Hour: 23:00 to 24:00"]


def test_a_supervisors_numbers_add_up_in_their_teams(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.supervisor)
    found = numbers(client, f"{DASHBOARD}?period=30")
    assert found
    assert [pair for pair in sorted(set(found)) if not adds_up(client, *pair)] == []
    text = client.get(f"{DASHBOARD}?period=30").content.decode()
    assert "Colleague" in text
    assert "Irene" not in text
    assert "Joel" not in text


def test_ones_own_numbers_add_up_and_name_nobody_else(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.agent)
    found = numbers(client, f"{OWN}?period=30")
    assert found
    assert [pair for pair in sorted(set(found)) if not adds_up(client, *pair)] == []
    text = client.get(f"{OWN}?period=30").content.decode()
    for name in ("Colleague", "Irene", "Joel"):
        assert name not in text


def test_an_agent_sees_no_list_but_their_own(world: World, signed_in: SignIn) -> None:
    other = world.staff[2]
    agent = world.company.agent
    client = signed_in(agent)
    lines = client.get(f"{LIST}?period=30&staff={other.pk}").context["lines"]
    assert lines
    assert {line.agent for line in lines} == {agent.name}


def test_a_supervisor_sees_nothing_of_another_team(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.supervisor)
    for query in (f"team={world.others.pk}", f"staff={world.staff[2].pk}", ""):
        for measure in ("issued", "cases", "requested", "repeat", "valid", "redeemed"):
            answer = client.get(f"{LIST}?period=30&measure={measure}&{query}")
            teams = {line.team for line in answer.context["lines"]}
            assert teams <= {world.company.team.name}, (query, measure)


def test_a_supervisor_of_no_team_is_told_why(world: World, signed_in: SignIn) -> None:
    with transaction.atomic():
        alone = person(world.company.market, "alone", Role.SUPERVISOR)
        client = signed_in(alone)
        text = client.get(DASHBOARD).content.decode()
        assert "You supervise no team here" in text
        assert numbers(client, DASHBOARD) == []
        for measure in ("issued", "cases", "waiting", "valid"):
            answer = client.get(f"{LIST}?period=30&measure={measure}")
            assert answer.context["lines"] == []
        transaction.set_rollback(True)


def test_finance_who_also_supervises_sees_the_market(world: World, signed_in: SignIn) -> None:
    with transaction.atomic():
        both = world.company.supervisor
        RoleGrant.objects.create(staff=both, market=world.company.market, role=Role.FINANCE)
        client = signed_in(Staff.objects.get(pk=both.pk))
        assert "Irene" in client.get(f"{DASHBOARD}?period=30").content.decode()
        transaction.set_rollback(True)


def test_an_agent_is_led_to_their_own_figures(world: World, signed_in: SignIn) -> None:
    answer = signed_in(world.company.agent).get(DASHBOARD)
    assert (answer.status_code, answer["Location"]) == (302, OWN)


def test_whoever_works_no_case_is_refused(world: World, signed_in: SignIn) -> None:
    for staff in (world.company.cashier, world.company.administrator):
        client = signed_in(staff)
        assert {client.get(path).status_code for path in (DASHBOARD, OWN, LIST)} == {403}
    assert signed_in(world.company.elena).get(OWN).status_code == 403


@pytest.mark.parametrize("name", ["name", "cases", "share", "mean", "peers", "repeat", "limit"])
def test_the_table_sorts_by_its_columns(world: World, signed_in: SignIn, name: str) -> None:
    client = signed_in(world.company.elena)
    down = [line.name for line in client.get(f"{DASHBOARD}?sort=-{name}").context["lines"]]
    up = [line.name for line in client.get(f"{DASHBOARD}?sort={name}").context["lines"]]
    assert sorted(down) == sorted(up)
    if name == "name":
        assert up == down[::-1]


def test_an_address_that_says_nonsense_gives_the_usual_page(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.company.elena)
    nonsense = "period=x&from=2026-99-99&to=y&team=z&category=0&staff=q&sort=;&page=-1&compare=?"
    assert client.get(f"{DASHBOARD}?{nonsense}").status_code == 200
    more = "measure=x&left=9&age=-1&after=z&kind=q&customer=1&weekday=0&hour=24"
    answer = client.get(f"{LIST}?{nonsense}&{more}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ("from=2026-01-09&to=2026-01-02", "The last date is before the first one."),
        ("from=2024-01-01&to=2026-01-01", "These dates are more than a year apart."),
        ("from=2026-01-02&to=2026-01-09", ""),
    ],
)
def test_dates_that_make_no_period_are_said_beside_them(
    world: World, signed_in: SignIn, dates: str, words: str
) -> None:
    client = signed_in(world.company.elena)
    page = client.get(f"{DASHBOARD}?period=own&{dates}").content.decode()
    first, last = (part.partition("=")[2] for part in dates.split("&"))
    assert f'name="from" value="{first}"' in page
    assert f'name="to" value="{last}"' in page
    assert ('id="dates-error"' in page) is bool(words)
    assert words in page


def test_pages_of_a_list_go_by_key(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.elena)
    with transaction.atomic():
        company = world.company
        customer = create_customer(
            market=company.market, name="Otra", email="otra@example.com", by=company.agent
        )
        for _number in range(52):
            company.incident(customer)
        first = client.get(f"{LIST}?measure=cases&period=today")
        second = client.get(first.context["next_url"])
        total = Incident.objects.filter(market=company.market).count()
        assert len(first.context["lines"]) == 50
        assert 0 < len(second.context["lines"]) < total
        back = client.get(second.context["previous_url"])
        assert [line.folio for line in back.context["lines"]] == [
            line.folio for line in first.context["lines"]
        ]
        transaction.set_rollback(True)


def _rows(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize(("language", "head"), [("en", "Agent"), ("es", "Agente")])
def test_the_table_as_a_file_is_recorded(
    world: World, signed_in: SignIn, language: str, head: str
) -> None:
    client = signed_in(world.company.elena)
    Staff.objects.filter(pk=world.company.elena.pk).update(language=language)
    before = AuditEvent.objects.filter(act="report.exported").count()
    answer = client.get(f"{DASHBOARD}?period=30&export=csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="issuance-MX-')
    rows = _rows(answer.content)
    assert rows[0][0] == head
    names = {row[0] for row in rows}
    assert {"Agent", "Colleague", "Irene", "Joel"} <= names
    event = AuditEvent.objects.filter(act="report.exported").latest("id")
    assert AuditEvent.objects.filter(act="report.exported").count() == before + 1
    assert event.actor_id == str(world.company.elena.pk)
    assert event.after is not None
    assert (event.after["format"], event.after["filters"]) == ("csv", {"period": "30"})


def test_a_list_as_a_file_holds_its_total_and_no_formula(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.elena)
    with transaction.atomic():
        for row in world.customers:
            row.name = "=1+1"
            row.save()
        answer = client.get(f"{LIST}?measure=issued&period=30&law=no&export=csv")
        page = client.get(f"{LIST}?measure=issued&period=30&law=no")
        rows = _rows(answer.content)
        total = page.context["total"]
        assert f"Total: {total['number']} {total['money']}" in {row[0] for row in rows if row}
        customers = {row[4] for row in rows[1:] if len(row) > 4}
        assert customers == {"'=1+1"}
        book = client.get(f"{LIST}?measure=issued&period=30&law=no&export=xlsx").content
        sheet: Any = load_workbook(io.BytesIO(book)).active
        cells = [cell for line in sheet.iter_rows() for cell in line]
        assert not [cell for cell in cells if cell.data_type == "f"]
        amounts = [cell.value for cell in cells if cell.number_format == "#,##0.00"]
        assert amounts
        transaction.set_rollback(True)


def test_a_file_is_cut_and_says_so(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reporting.views.lists.MOST_ROWS", 3)
    client = signed_in(world.company.elena)
    rows = _rows(client.get(f"{LIST}?measure=cases&period=30&export=csv").content)
    assert any("Only the newest 3 rows" in row[0] for row in rows if row)
    assert len([row for row in rows if len(row) > 4]) == 1 + 3


def test_each_page_runs_its_recorded_number(world: World, signed_in: SignIn) -> None:
    company = world.company
    company.limit("agent", "month", "amount", 100_000_00)
    pages = {
        "finance": (company.elena, f"{DASHBOARD}?period=30"),
        "supervisor": (company.supervisor, f"{DASHBOARD}?period=30"),
        "own": (company.agent, f"{OWN}?period=30"),
        "list": (company.elena, f"{LIST}?period=30"),
        "cases": (company.elena, f"{LIST}?period=30&measure=cases"),
    }
    ran = {}
    for name, (staff, path) in pages.items():
        client = signed_in(staff)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        ran[name] = len(queries)
    assert ran == RECORDED


def test_the_api_says_what_the_page_says(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.company.elena)
    answer = client.get("/api/v1/reports/issuance?period=30")
    assert answer.status_code == 200, answer.content
    said = answer.json()
    page = client.get(f"{DASHBOARD}?period=30")
    shown = {line.agent.staff: line.agent.figures for line in page.context["lines"]}
    usernames = dict(Staff.objects.filter(pk__in=shown).values_list("username", "pk"))
    assert len(said["agents"]) == len(shown)
    for row in said["agents"]:
        if row["agent"] is not None:
            figures = shown[usernames[row["agent"]]]
            assert row["figures"]["goodwill_face_minor"] == figures.face
            assert row["figures"]["cases"] == figures.cases
    assert said["totals"]["cases"] == sum(row["figures"]["cases"] for row in said["agents"])
    assert sum(row["face_minor"] for row in said["days"]) == said["totals"]["goodwill_face_minor"]
    assert sum(row["number"] for row in said["hours"]) == said["totals"]["goodwill"]
    week = page.context["by_week_hour"].values
    for row in said["hours"]:
        assert week[row["weekday"] - 1][row["hour"]] == row["number"] > 0


@pytest.mark.parametrize(
    "query",
    [
        "category=room&channel=phone&compare=year",
        "location=MID&agent={agent}",
        "period=own&date_from=2026-01-01&date_to=2026-01-31&team={team}",
        "own=true",
    ],
)
def test_the_api_takes_every_filter(world: World, signed_in: SignIn, query: str) -> None:
    client = signed_in(world.company.supervisor)
    words = query.format(agent=world.company.agent.username, team=world.company.team.pk)
    answer = client.get(f"/api/v1/reports/issuance?{words}")
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("category=nonsense", "category"),
        ("location=nonsense", "location"),
        ("agent=nobody-here", "agent"),
        ("team=999999", "team"),
        ("market=XX", "market"),
        ("period=own", "date_from"),
        ("period=own&date_from=2026-01-01", "date_to"),
        ("colour=blue", "colour"),
        ("period=always", "period"),
    ],
)
def test_the_api_refuses_what_it_does_not_know(
    world: World, signed_in: SignIn, query: str, field: str
) -> None:
    answer = signed_in(world.company.elena).get(f"/api/v1/reports/issuance?{query}")
    assert answer.status_code in {400, 422}
    assert field in answer.json()["errors"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("date_from=2026-01-09&date_to=2026-01-02", "date_to", "before the first"),
        ("date_from=2026-01-01&date_to=2999-01-01", "date_to", "later than today"),
        ("date_from=2024-01-01&date_to=2026-01-01", "date_to", "more than a year"),
        ("date_from=1999-01-01&date_to=1999-02-01", "date_from", "so long ago"),
    ],
)
def test_the_api_says_why_dates_make_no_period(
    world: World, signed_in: SignIn, query: str, field: str, words: str
) -> None:
    client = signed_in(world.company.elena)
    answer = client.get(f"/api/v1/reports/issuance?period=own&{query}")
    assert answer.status_code == 422
    assert words in answer.json()["errors"][field][0]


@pytest.mark.parametrize(
    ("query", "choices"),
    [
        ("category=nonsense", "room"),
        ("location=nonsense", "MID"),
        ("channel=pigeon", "phone"),
        ("market=XX", "MX"),
    ],
)
def test_the_api_names_what_may_be_chosen(
    world: World, signed_in: SignIn, query: str, choices: str
) -> None:
    answer = signed_in(world.company.elena).get(f"/api/v1/reports/issuance?{query}").json()
    (said,) = answer["errors"].values()
    assert choices in said[0].split("Choose one of: ")[1]


def test_the_api_gives_an_agent_their_own_line(world: World, signed_in: SignIn) -> None:
    said = signed_in(world.company.agent).get("/api/v1/reports/issuance?period=30").json()
    assert [row["agent"] for row in said["agents"]] == [world.company.agent.username]
    assert {row["agent"] for row in said["pairs"]} <= {world.company.agent.username}
