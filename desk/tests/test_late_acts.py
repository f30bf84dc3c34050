"""Acts on a case that somebody else has moved on: never refused in silence, no words lost."""

import re

import pytest
from django.test import Client

from compensations.actions import grant, void
from compensations.models import Compensation
from compensations.tests.scenario import Company
from incidents.actions import reopen_incident, resolve_incident
from incidents.models import Incident

from .conftest import SignIn

MINE = "Le cambiamos el cuarto y volvió a sonreír."


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


@pytest.fixture
def path(incident: Incident) -> str:
    return f"/incidents/{incident.folio}/"


def lost(page: bytes) -> str:
    """What stands above the page, which has to be an alert that takes the focus."""
    above, _others, _rest = page.decode().partition('<div id="others"')
    found = re.search(r'<div id="lost" tabindex="-1" autofocus>(.*)', above, re.S)
    assert found is not None
    assert 'role="alert"' in found[1]
    return found[1]


def test_resolving_what_is_resolved_says_so_and_keeps_the_words(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    resolve_incident(incident=incident, resolution="La otra pestaña.", by=company.agent)
    answer = desk.post(f"{path}resolve/", {"resolution": MINE})
    assert answer.status_code == 409
    said = lost(answer.content)
    for words in ("This cannot be done in its present state.", "The case is now: Resolved.", MINE):
        assert words in said, words
    incident.refresh_from_db()
    assert incident.resolution == "La otra pestaña."


def test_reopening_what_is_open_says_so_and_keeps_the_reason(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    resolve_incident(incident=incident, resolution="Hecho.", by=company.agent)
    reopen_incident(incident=incident, reason="Otra vez.", by=company.agent)
    said = lost(desk.post(f"{path}reopen/", {"reason": MINE}).content)
    assert MINE in said
    assert "In recovery" in said


def test_granting_on_a_resolved_case_says_so_and_keeps_amount_and_reason(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    resolve_incident(incident=incident, resolution="Hecho.", by=company.agent)
    offer = company.offers["gift_card"]
    sent = {"offer": str(offer.pk), f"amount-{offer.pk}": "123.00", "reason": MINE}
    answer = desk.post(f"{path}grant/", {**sent, "channel": ""})
    assert answer.status_code in {409, 422}
    said = lost(answer.content)
    assert MINE in said
    assert "123.00" in said
    assert not Compensation.objects.filter(incident=incident).exists()


def test_voiding_what_is_void_says_so_and_keeps_the_reason(
    company: Company, incident: Incident, path: str, desk: Client
) -> None:
    given = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    void(compensation=given, reason="La otra pestaña.", by=company.agent)
    answer = desk.post(f"{path}compensations/{given.pk}/void/", {"reason": MINE})
    assert answer.status_code == 409
    assert MINE in lost(answer.content)


def test_a_form_that_is_still_drawn_answers_beside_itself(path: str, desk: Client) -> None:
    answer = desk.post(f"{path}resolve/", {"resolution": " "})
    assert answer.status_code == 422
    assert 'id="lost"' not in answer.content.decode()


def test_the_page_says_which_form_was_taken(path: str, desk: Client) -> None:
    """What the browser keeps of unsent text is forgotten by this alone."""
    desk.post(f"{path}notes/", {"body": "Llamó el gerente."})
    assert f'data-accepted="{path}notes/"' in desk.get(path).content.decode()
    assert "data-accepted" not in desk.get(path).content.decode()
    desk.post(f"{path}notes/", {"body": " "})
    assert "data-accepted" not in desk.get(path).content.decode()


def test_the_page_says_whose_it_is(company: Company, path: str, signed_in: SignIn) -> None:
    page = signed_in(company.agent).get(path).content.decode()
    assert f'data-person="{company.agent.pk}"' in page
