"""Whose work a case is: nobody's, the team's, what is late; and that the first page adds up."""

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compensations.actions import grant, grant_or_request
from compensations.tests.scenario import Company
from incidents.actions import make_promise, resolve_incident
from incidents.models import Incident

from .conftest import SignIn

TILE = re.compile(r'<a class="tile" href="([^"]+)">(.*?)</a>', re.S)


def set_due(incident: Incident, minutes: int) -> None:
    """The compensation clock runs out so many minutes from now; that of the resolution later."""
    now = timezone.now()
    Incident.objects.filter(pk=incident.pk).update(
        compensate_due_at=now + dt.timedelta(minutes=minutes),
        resolve_due_at=now + dt.timedelta(hours=40),
    )


def order_of(page: bytes, *incidents: Incident) -> list[Incident]:
    """Those that the list shows, in its order."""
    text = page.decode()
    shown = [row for row in incidents if row.folio in text]
    return sorted(shown, key=lambda row: text.index(row.folio))


@pytest.fixture
def due(company: Company) -> dict[str, Incident]:
    """Late, soon and later ones of the agent, and a late one of nobody and of another team."""
    names = {"very late": -90, "late": -5, "soon": 20, "later": 300, "nobody": -20, "others": -30}
    found = {name: company.incident() for name in reversed(names)}
    for name, minutes in names.items():
        set_due(found[name], minutes)
    Incident.objects.filter(pk=found["nobody"].pk).update(owner=None, team=None)
    other = company.colleague
    Incident.objects.filter(pk=found["others"].pk).update(owner=other, team=None)
    return found


def test_late_and_soon_are_told_apart_and_ordered(due: dict[str, Incident], desk: Client) -> None:
    rows = due.values()
    late = order_of(desk.get("/incidents/?view=overdue").content, *rows)
    assert late == [due["very late"], due["late"]]
    assert order_of(desk.get("/incidents/?view=due").content, *rows) == [due["soon"]]


def test_whoever_has_no_case_is_led_to_what_waits_for_them(
    company: Company, signed_in: SignIn
) -> None:
    leader = signed_in(company.supervisor)
    assert "Press C" in leader.get("/").content.decode()
    company.incident(severity="critical", severity_reason="Hay un bebé")
    text = leader.get("/").content.decode()
    assert "Critical cases of your teams: 1" in text
    assert 'href="/incidents/?view=team&amp;severity=critical"' in text
    assert "Approvals that wait" not in text
    incident = company.incident()
    refused = grant_or_request(
        incident=incident,
        offer=company.offers["large"],
        reason="Vale la pena",
        by=company.agent,
    )
    assert refused.state == "requested"
    text = leader.get("/").content.decode()
    assert "Approvals that wait: 1" in text
    assert 'href="/approvals/"' in text


def test_a_case_with_nothing_next_says_what_its_date_is(company: Company, desk: Client) -> None:
    incident = company.incident()
    resolve_incident(incident=incident, resolution="Listo", by=company.agent)
    page = desk.get("/incidents/?state=resolved").content.decode()
    assert re.search(r">logged [A-Z][a-z]+ \d+, \d{4}<", page)


def test_a_compensated_case_is_due_by_its_resolution(
    due: dict[str, Incident], desk: Client
) -> None:
    Incident.objects.filter(pk=due["late"].pk).update(compensated_at=timezone.now())
    page = desk.get("/incidents/?view=overdue").content
    assert order_of(page, *due.values()) == [due["very late"]]


def test_what_nobody_owns_waits_in_a_queue_of_its_own(
    due: dict[str, Incident], company: Company, desk: Client, signed_in: SignIn
) -> None:
    for client in (desk, signed_in(company.supervisor)):
        rail = client.get("/").content.decode()
        link = re.search(r'href="/incidents/\?view=unassigned".*?</a>', rail, re.S)
        assert link is not None
        assert re.search(r"Unassigned.*\b1\b", link[0], re.S)
    for query in ("view=unassigned", "owner=nobody"):
        page = desk.get(f"/incidents/?{query}").content
        assert order_of(page, *due.values()) == [due["nobody"]], query
    desk.post(f"/incidents/{due['nobody'].folio}/notes/", {"body": "La atiendo yo."})
    row = Incident.objects.get(pk=due["nobody"].pk)
    assert (row.owner, row.team) == (company.agent, company.agent.team)
    desk.get("/")
    assert order_of(desk.get("/incidents/?view=unassigned").content, *due.values()) == []


def test_every_tile_adds_up_to_its_list(
    due: dict[str, Incident], company: Company, desk: Client
) -> None:
    in_hours = {"mine late": -2, "mine today": 0, "mine another day": 60}
    for detail, hours in in_hours.items():
        made = make_promise(
            incident=due["soon"],
            kind="call",
            due_at=timezone.now() + dt.timedelta(hours=1),
            detail=detail,
            by=company.agent,
        )
        type(made).objects.filter(pk=made.pk).update(
            due_at=timezone.now() + dt.timedelta(hours=hours)
        )
    make_promise(
        incident=due["soon"],
        kind="call",
        due_at=timezone.now() + dt.timedelta(minutes=1),
        detail="of somebody else",
        by=company.colleague,
    )
    home = desk.get("/").content.decode().replace("&amp;", "&")
    said = {}
    for url, text in TILE.findall(home):
        value = re.search(r'tile-value">(\d+)<', text)
        assert value is not None
        rows = len(re.findall("data-row-link", desk.get(url).content.decode()))
        said[url] = (int(value[1]), rows)
    assert said == {
        "/incidents/?view=overdue": (2, 2),
        "/incidents/?view=due": (1, 1),
        "/incidents/?view=critical": (0, 0),
        "/promises/?whose=mine&by=today": (2, 2),
    }
    owed = desk.get("/promises/?whose=mine&by=today").content.decode()
    assert "mine another day" not in owed
    assert "of somebody else" not in owed


def imported(company: Company, **fields: Any) -> Incident:
    """A case as an import leaves it: no clocks, no owner."""
    row = company.incident(**fields)
    values = {"owner": None, "team": None, "compensate_due_at": None, "resolve_due_at": None}
    Incident.objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db()
    return row


def test_what_a_file_brought_waits_for_nobody_and_is_found_by_its_origin(
    company: Company, desk: Client
) -> None:
    fields: dict[str, Any] = {"severity": "critical", "severity_reason": "Hay un bebé"}
    old, live = imported(company, **fields), company.incident(**fields)
    Incident.objects.filter(pk=live.pk).update(owner=None, team=None)
    for view in ("unassigned", "critical"):
        assert order_of(desk.get(f"/incidents/?view={view}").content, old, live) == [live]
    for view in ("overdue", "due", "mine", "team"):
        assert order_of(desk.get(f"/incidents/?view={view}").content, old, live) == []
    page = desk.get("/incidents/?origin=imported&state=active").content
    assert order_of(page, old, live) == [old]
    assert b"imported, without a date" in page
    assert order_of(desk.get("/incidents/?origin=here").content, old, live) == [live]
    assert "Imported, without a date" in desk.get(f"/incidents/{old.folio}/").content.decode()


def test_an_imported_case_is_its_worker_s_like_any_other(company: Company, desk: Client) -> None:
    old = imported(company)
    grant(incident=old, offer=company.offers["coupon"], by=company.agent)
    old.refresh_from_db()
    assert (old.owner, old.state) == (company.agent, "in_recovery")
    for view in ("mine", "team"):
        assert order_of(desk.get(f"/incidents/?view={view}").content, old) == [old]
    assert order_of(desk.get("/incidents/?view=overdue").content, old) == []
