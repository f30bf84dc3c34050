"""What the README's tour tells a newcomer to choose is there, and does what it says."""

import datetime as dt

import pytest
import time_machine

from accounts.models import Market, Staff
from compensations.actions import approve, grant, request
from compensations.refusals import NeedsApproval
from compensations.selectors import approvals_to_decide, offers_for
from compensations.states import CompensationState
from incidents.actions import create_customer, open_incident
from incidents.models import Category
from incidents.states import Severity

pytestmark = pytest.mark.django_db


def test_the_case_of_the_first_step_serves_to_the_seventh(company: dt.datetime) -> None:
    lucia, raul, walter = (Staff.objects.get(username=name) for name in ("lucia", "raul", "walter"))
    market = Market.objects.get(code="MX")
    with time_machine.travel(company, tick=True):
        customer = create_customer(
            market=market, name="Nadia Prueba", email="nadia@example.com", by=lucia
        )
        case = open_incident(
            market=market,
            customer=customer,
            category=Category.objects.get(market=market, name_es="Sobreventa"),
            narrative="Nos mandaron a otro hotel.",
            channel="phone",
            by=lucia,
        )
        assert case.severity == Severity.CRITICAL
        night, card = (one.offer for one in offers_for(case, by=lucia).options[:2])
        assert night.name_es == "Noche de invitación para dos"
        assert grant(incident=case, offer=night, by=lucia).coupon is not None

        assert card.name_es == "Tarjeta de regalo Quetzara"
        with pytest.raises(NeedsApproval):
            grant(incident=case, offer=card, amount_minor=2_300_00, by=lucia)
        asked = request(
            incident=case, offer=card, amount_minor=2_300_00, reason="Segunda falla.", by=lucia
        )
        waiting = asked.approvals.get()
        assert waiting in approvals_to_decide(raul, market)
        assert waiting not in approvals_to_decide(walter, market)
        approve(approval=waiting, by=raul)
    asked.refresh_from_db()
    assert asked.state == CompensationState.ISSUED
