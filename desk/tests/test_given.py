"""What the page of a case says of what was given and is over, and of long texts."""

import re

import pytest
from django.test import Client

from compensations.actions import grant, void
from compensations.tests.scenario import Company
from delivery.actions import confirm_handover
from delivery.models import Message
from incidents.actions import add_note
from incidents.models import Incident

READY = ("Ready to hand over", "Give the customer the link", "Hand it over")


@pytest.fixture
def incident(company: Company) -> Incident:
    return company.incident()


def _card(page: bytes) -> str:
    found = re.search(r'id="given".*?id="offers"', page.decode(), re.S)
    assert found is not None
    return found[0]


def test_what_is_void_is_not_handed_over(
    company: Company, incident: Incident, desk: Client
) -> None:
    path = f"/incidents/{incident.folio}/"
    given = grant(
        incident=incident, offer=company.offers["coupon"], channel="handover", by=company.agent
    )
    text = _card(desk.get(path).content)
    assert all(words in text for words in READY)
    void(compensation=given, reason="Otra opción", by=company.agent)
    page = desk.get(path).content
    assert not any(words in page.decode() for words in READY)
    assert "Nobody confirmed that the customer got the link" in _card(page)
    assert "Link made to hand over in the conversation; nobody has confirmed it" in page.decode()
    message = Message.objects.get(ref=given.pk)
    way = desk.get(f"{path}messages/{message.pk}/way/").content.decode()
    assert "Not confirmed" in way
    assert "Give the customer the link" not in way


def test_a_confirmed_handing_over_is_told(
    company: Company, incident: Incident, desk: Client
) -> None:
    given = grant(
        incident=incident, offer=company.offers["coupon"], channel="handover", by=company.agent
    )
    confirm_handover(message=Message.objects.get(ref=given.pk), by=company.agent)
    text = desk.get(f"/incidents/{incident.folio}/").content.decode()
    assert "Message handed over in the conversation" in text
    assert "nobody has confirmed it" not in text


def test_what_can_be_used_comes_before_what_is_over(
    company: Company, incident: Incident, desk: Client
) -> None:
    first = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    void(compensation=first, reason="Otra opción", by=company.agent)
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    text = _card(desk.get(f"/incidents/{incident.folio}/").content)
    assert text.index("Issued") < text.index("Voided")


def test_a_long_text_is_folded_and_whole(
    company: Company, incident: Incident, desk: Client
) -> None:
    path = f"/incidents/{incident.folio}/"
    add_note(incident=incident, body="Breve.", by=company.agent)
    assert "long-more" not in desk.get(path).content.decode()
    add_note(incident=incident, body="Muy largo. " * 200, by=company.agent)
    text = desk.get(path).content.decode()
    assert text.count("long-more") == 1
    assert "The whole text, 2199 characters" in text.replace(",199", "199")
    assert ("Muy largo. " * 199) in text
    add_note(incident=incident, body="uno\n" * 14, by=company.agent)
    assert desk.get(path).content.decode().count("long-more") == 2
