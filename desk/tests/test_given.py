"""What the page of a case says of what was given and is over, and of long texts."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from compensations.actions import grant, redeem, resend, void
from compensations.handovers import to_hand_over
from compensations.models import Compensation
from compensations.tests.scenario import Company, code_of
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


def _deliver(given: Compensation) -> None:
    """The newest message of it arrived, as its provider said."""
    message = Message.objects.filter(ref=given.pk).latest("created_at")
    now = timezone.now()
    Message.objects.filter(pk=message.pk).update(state="sending")
    Message.objects.filter(pk=message.pk).update(state="sent", sent_at=now)
    Message.objects.filter(pk=message.pk).update(state="delivered", delivered_at=now)


WARNS = ("Ready to hand over", "Hand it over", "Not confirmed", "Nobody confirmed")


def test_a_link_prepared_for_who_has_it_already_warns_nowhere(
    company: Company, incident: Incident, desk: Client
) -> None:
    path = f"/incidents/{incident.folio}/"
    given = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    _deliver(given)
    sent = desk.post(f"{path}compensations/{given.pk}/send/", {"channel": "handover", "once": "s"})
    page = desk.get(path).content.decode()
    assert not any(words in page for words in WARNS)
    card = _card(page.encode())
    assert "Delivered at" in card
    # The link that was made is shown again, not made again.
    assert f'href="{sent["Location"]}"' in card
    assert "Show QR or link" in card
    assert "To hand over" not in desk.get("/").content.decode()
    assert to_hand_over(Incident.objects.filter(pk=incident.pk)) == []
    redeem(
        code=code_of(given),
        external_transaction_id="1",
        market=company.market,
        by=company.till,
    )
    page = desk.get(path).content.decode()
    assert not any(words in page for words in WARNS)
    assert "Delivered at" in _card(page.encode())


def test_who_used_some_of_it_has_it(company: Company, incident: Incident, desk: Client) -> None:
    path = f"/incidents/{incident.folio}/"
    given = grant(
        incident=incident, offer=company.offers["gift_card"], channel="handover", by=company.agent
    )
    assert "Nobody confirmed" in desk.get(path).content.decode()
    redeem(
        code=code_of(given),
        external_transaction_id="1",
        market=company.market,
        amount_minor=100_00,
        by=company.till,
    )
    page = desk.get(path).content.decode()
    assert not any(words in page for words in WARNS)
    assert "The customer has it: it was used." in _card(page.encode())
    assert "To hand over" not in desk.get("/").content.decode()


def test_a_resend_that_fails_stands_beside_what_arrived(
    company: Company, incident: Incident, desk: Client
) -> None:
    given = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    _deliver(given)
    resend(compensation=given, channel="email", by=company.agent)
    card = _card(desk.get(f"/incidents/{incident.folio}/").content)
    assert "Waiting to be sent" in card
    assert "Delivered at" in card


def test_showing_the_link_is_a_button_of_its_own(
    company: Company, incident: Incident, desk: Client
) -> None:
    path = f"/incidents/{incident.folio}/"
    given = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    card = _card(desk.get(path).content)
    assert "Show QR or link" in card
    menu = re.search(r"<details.*?</details>", card, re.S)
    assert menu is not None
    assert "Hand over in the conversation" not in menu[0]
    answer = desk.post(
        f"{path}compensations/{given.pk}/send/", {"channel": "handover", "once": "s"}
    )
    assert "handover-link" in desk.get(answer["Location"]).content.decode()


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
