"""How many queries each page may run, recorded; more data never means more of them.

The numbers are what the pages run today with a signed-in agent, session and rail included. A page
that needs more has to say why here.

The home reads the person's own requests, those that wait and those that ended by themselves, and
what waits to be handed over; a case the decisions on what was asked there, and the rail
of who decides the teams they supervise and the nightly reports to sign. The way of a message asks
whether what it carries can still be used, a search which categories bear the name that was typed
and which of the words no narrative holds. A list reads its keys first and its rows by them.
"""

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from compensations.actions import grant
from compensations.tests.scenario import Company
from delivery.selectors import messages_about
from incidents.actions import add_note, make_promise
from incidents.models import Incident

from .conftest import SignIn

RECORDED = {
    "home": 13,
    "list": 9,
    "search": 12,
    "intake": 9,
    "panel": 15,
    "look_up": 8,
    "case": 23,
    "case_supervisor": 26,
    "change": 9,
    "customers": 8,
    "customer": 13,
    "promises": 6,
    "palette": 12,
    "way": 7,
    "others": 5,
}


def fill(company: Company, times: int) -> Incident:
    """A customer with `times` busy cases; the last one holds notes, promises and money."""
    customer = company.customer(phone="998 123 4567")
    incident = company.incident(customer, location=company.location)
    for number in range(times):
        incident = company.incident(customer, location=company.location, order_ref=f"H-{number}")
        company.customer(name=f"Mariana {number}")
    for number in range(times):
        add_note(incident=incident, body=f"Nota {number}", by=company.agent)
        make_promise(
            incident=incident,
            kind="call",
            due_at=timezone.now() + dt.timedelta(minutes=number + 1),
            by=company.colleague,
        )
    names = ["coupon", "gift_card", "refund"][: max(times // 2, 1)]
    for name in names:
        grant(incident=incident, offer=company.offers[name], by=company.agent)
    return incident


def pages(company: Company, incident: Incident) -> dict[str, Callable[[Client], object]]:
    case = f"/incidents/{incident.folio}/"
    latest = messages_about(incident.pk).last()
    assert latest is not None
    form = {
        "customer": str(incident.customer_id),
        "category": str(company.category.pk),
        "order_ref": "H-0",
        "amount": "100.00",
    }
    rows = {"HX-Request": "true"}
    return {
        "home": lambda client: client.get("/"),
        "list": lambda client: client.get("/incidents/?state=active&severity=moderate"),
        "search": lambda client: client.get("/incidents/?q=mariana"),
        "intake": lambda client: client.get("/incidents/new/"),
        "panel": lambda client: client.post("/incidents/new/panel/", form),
        "look_up": lambda client: client.get("/incidents/new/look-up/?customer_text=mariana"),
        "case": lambda client: client.get(case),
        "change": lambda client: client.get(f"{case}change/"),
        "customers": lambda client: client.get("/customers/?q=mariana"),
        "customer": lambda client: client.get(f"/customers/{incident.customer_id}/"),
        "promises": lambda client: client.get("/promises/?whose=all"),
        "palette": lambda client: client.get("/find/?q=mariana", headers=rows),
        "way": lambda client: client.get(f"{case}messages/{latest.pk}/way/"),
        "others": lambda client: client.get(f"{case}others/"),
    }


def count(client: Client, page: Callable[[Client], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        page(client)
    return len(queries)


@pytest.mark.parametrize("times", [2, 8])
def test_each_page_runs_its_recorded_number(
    times: int, company: Company, desk: Client, signed_in: SignIn
) -> None:
    company.limit("agent", "day", "amount", 10_000_00)
    incident = fill(company, times)
    ran = {name: count(desk, page) for name, page in pages(company, incident).items()}
    supervisor = signed_in(company.supervisor)
    ran["case_supervisor"] = count(supervisor, pages(company, incident)["case"])
    assert ran == RECORDED
