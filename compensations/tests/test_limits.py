"""Changing limits: two people, never one's own, and what was used stays used."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import override

from common.errors import NotAllowed
from compensations import taking
from compensations.actions import (
    confirm_limit,
    grant,
    propose_limit,
    reissue,
    reject_limit,
    request,
    resend,
    retire_limit,
    void,
)
from compensations.limits import limits_for
from compensations.models import Compensation, IssuanceLimit, LimitCounter
from compensations.reconciliation import differences
from compensations.refusals import LimitChanged, LimitExceeded, ResendRefused, SelfDealing
from compensations.selectors import OfferOption, offers_for
from incidents.actions import add_contact
from incidents.models import Incident

from .scenario import Company, build

pytestmark = pytest.mark.django_db


def propose(company: Company, cap: int, **target: Any) -> IssuanceLimit:
    return propose_limit(
        market=company.market,
        scope="agent",  # type: ignore[arg-type]
        window="day",  # type: ignore[arg-type]
        measure="amount",  # type: ignore[arg-type]
        cap=cap,
        reason="Temporada alta",
        by=company.supervisor if target else company.hugo,
        **target,
    )


def used(company: Company) -> dict[str, int]:
    """What each person used of the limits of a kind, whichever of them holds."""
    names = {str(company.agent.pk): "agent", str(company.colleague.pk): "colleague"}
    return {names[row.subject]: row.used for row in LimitCounter.objects.all()}


def test_a_raise_takes_two_people_and_never_oneself(company: Company) -> None:
    limit = propose(company, 500_00, for_staff=company.agent)
    for who in (company.supervisor, company.agent, company.colleague):
        with pytest.raises(NotAllowed):
            confirm_limit(limit=limit, by=who)
    with pytest.raises(NotAllowed):
        propose_limit(
            market=company.market,
            scope="agent",  # type: ignore[arg-type]
            window="day",  # type: ignore[arg-type]
            measure="amount",  # type: ignore[arg-type]
            cap=1,
            reason="para mí",
            for_staff=company.supervisor,
            by=company.supervisor,
        )
    assert confirm_limit(limit=limit, by=company.elena).state == "in_force"


def test_the_database_holds_it_too(company: Company) -> None:
    limit = propose(company, 500_00, for_staff=company.agent)
    for who in (company.supervisor, company.agent):
        with pytest.raises(IntegrityError), transaction.atomic():
            IssuanceLimit.objects.filter(pk=limit.pk).update(
                state="in_force", decided_by=who, decided_at=timezone.now()
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        IssuanceLimit.objects.filter(pk=limit.pk).update(cap=1)


def test_a_new_cap_keeps_what_was_used(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    confirm_limit(limit=propose(company, 500_00), by=company.elena)
    assert used(company) == {"agent": 200_00}
    grant(
        incident=company.incident(),
        offer=company.offers["coupon"],
        amount_minor=300_00,
        by=company.agent,
    )
    with pytest.raises(LimitExceeded):
        grant(
            incident=company.incident(),
            offer=company.offers["coupon"],
            amount_minor=100_00,
            by=company.agent,
        )
    void(compensation=made, reason="x", by=company.agent)
    assert used(company) == {"agent": 300_00}
    assert list(differences()) == []


def test_a_limit_of_ones_own_begins_and_ends_with_what_was_used(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.colleague)
    own = confirm_limit(limit=propose(company, 1_000_00, for_staff=company.agent), by=company.elena)
    assert used(company) == {"agent": 200_00, "colleague": 200_00}
    grant(
        incident=company.incident(),
        offer=company.offers["coupon"],
        amount_minor=100_00,
        by=company.agent,
    )
    with pytest.raises(LimitExceeded):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.colleague)
    retire_limit(limit=own, reason="Fin de temporada", by=company.hugo)
    # The general one holds again, and nothing is left of it.
    with pytest.raises(LimitExceeded):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    assert used(company) == {"agent": 300_00, "colleague": 200_00}
    assert list(differences()) == []


def test_a_reissue_holds_counters_that_are_not_there_yet(company: Company) -> None:
    """Else two could make them while each holds what the other one takes next."""
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    company.limit("team", "day", "amount", 500_00)
    case = company.incident()
    met = limits_for(
        market=company.market, staff=company.agent, customer=case.customer, incident=case
    )
    for _time in range(2):
        taking.lock(made.pk, met)
        assert [(row.subject, row.used) for row in LimitCounter.objects.all()] == [
            (str(company.team.pk), 0)
        ]
    assert list(differences()) == []


def test_two_proposals_for_one_limit(company: Company) -> None:
    company.limit("agent", "day", "amount", 300_00)
    first, second = propose(company, 400_00), propose(company, 500_00)
    confirm_limit(limit=first, by=company.elena)
    with pytest.raises(LimitChanged):
        confirm_limit(limit=second, by=company.elena)
    in_force = IssuanceLimit.objects.filter(state="in_force")
    assert list(in_force.values_list("pk", flat=True)) == [first.pk]
    assert reject_limit(limit=second, reason="no", by=company.elena).state == "rejected"


def option(company: Company, incident: Incident, name: str = "coupon") -> OfferOption:
    card = offers_for(incident, by=company.agent)
    return next(row for row in card.options if row.offer.name_en == name)


@pytest.mark.parametrize("measure", ["amount", "count"])
def test_a_customers_limit_holds_for_the_person(company: Company, measure: str) -> None:
    """Whatever record the person has, whatever its segment, and whoever of them was first."""
    company.limit("customer", "month", measure, 400_00 if measure == "amount" else 2)
    company.limit(
        "customer", "month", measure, 500_00 if measure == "amount" else 2, for_segment="vip"
    )
    first = company.customer(email="ana@example.com", phone="55 1234 5678")
    first.segment = "vip"
    first.save()
    second = company.customer(name="Ana S.", email="ana@example.com")
    third = company.customer(name="A. Solís", email="", phone="55 1234 5678")
    coupon = company.offers["coupon"]
    grant(incident=company.incident(first), offer=coupon, by=company.agent)
    case = company.incident(second)
    room = next(row for row in option(company, case).rooms if row.scope == "customer")
    assert (room.used, room.others_used) == ((200_00,) * 2 if measure == "amount" else (1, 1))
    made = grant(incident=case, offer=coupon, by=company.agent)
    for customer in (first, second):
        incident = company.incident(customer)
        with override("en"):
            shown = option(company, incident, "gift_card").refusal
            with pytest.raises(LimitExceeded) as refused:
                grant(incident=incident, offer=company.offers["gift_card"], by=company.agent)
        assert str(shown) == str(refused.value)
        assert "other customers with the same phone or email" in str(shown)
        assert refused.value.extra["used"] == (400_00 if measure == "amount" else 2)
    # The third shares with the first alone, and the second's share is not theirs.
    room = next(
        row for row in option(company, company.incident(third)).rooms if row.scope == "customer"
    )
    assert room.used == (200_00 if measure == "amount" else 1)
    grant(incident=company.incident(third), offer=coupon, by=company.agent)
    # What is taken back leaves its room to all of them.
    void(compensation=made, reason="Error", by=company.agent)
    room = next(
        row for row in option(company, company.incident(second)).rooms if row.scope == "customer"
    )
    assert room.used == (200_00 if measure == "amount" else 1)
    assert list(differences()) == []


def test_the_room_of_a_person_can_be_used_exactly(company: Company) -> None:
    company.limit("customer", "day", "amount", 500_00)
    first, second = (company.customer(email="ana@example.com") for _ in range(2))
    coupon = company.offers["coupon"]
    grant(incident=company.incident(first), offer=coupon, by=company.agent)
    case = company.incident(second)
    with pytest.raises(LimitExceeded):
        grant(
            incident=case,
            offer=company.offers["large"],
            amount_minor=300_01,
            by=company.agent,
        )
    request(
        incident=company.incident(second),
        offer=company.republish("large", approval_from_minor=100_00),
        amount_minor=300_00,
        reason="Segunda falla.",
        by=company.agent,
    )
    with pytest.raises(LimitExceeded):
        grant(
            incident=company.incident(first),
            offer=option(company, case).offer,
            amount_minor=100_00,
            by=company.agent,
        )


def test_without_a_shared_contact_customers_are_apart(company: Company) -> None:
    company.limit("customer", "day", "count", 1)
    first, second = (company.customer() for _ in range(2))
    for customer in (first, second):
        grant(incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent)
    elsewhere = build("CO")
    foreign = elsewhere.customer(email=first.contacts.get().value)
    case = elsewhere.incident(foreign)
    grant(incident=case, offer=elsewhere.offers["coupon"], by=elsewhere.agent)


@pytest.mark.parametrize(("scope", "next_step"), [("agent", "Ask for"), ("team", "only finance")])
def test_where_nothing_of_an_offer_fits_no_amount_is_proposed(
    company: Company, scope: str, next_step: str
) -> None:
    company.limit(scope, "day", "amount", 499_99)
    incident = company.incident()
    with override("en"):
        shown = option(company, incident, "gift_card").refusal
        with pytest.raises(LimitExceeded) as refused:
            grant(incident=incident, offer=company.offers["gift_card"], by=company.agent)
    for words in (str(shown), str(refused.value)):
        assert "leaves $499.99 and this offer needs at least $500.00: it does not fit" in words
        assert next_step in words
        assert "up to" not in words


def test_a_colleagues_address_added_later_gets_nothing(company: Company) -> None:
    incident = company.incident()
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    add_contact(
        customer=incident.customer, kind="email", value=company.colleague.email, by=company.agent
    )
    with pytest.raises(SelfDealing):
        resend(compensation=made, by=company.agent)


def test_nothing_is_sent_again_past_its_date(company: Company) -> None:
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    Compensation.objects.update(expires_at=timezone.now())
    with pytest.raises(ResendRefused):
        resend(compensation=made, by=company.agent)


def test_without_a_team_another_supervisor_voids(company: Company) -> None:
    company.supervisor.team = None
    company.supervisor.save()
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.supervisor)
    Compensation.objects.update(created_at=timezone.now() - dt.timedelta(minutes=11))
    with pytest.raises(NotAllowed):
        void(compensation=made, reason="x", by=company.agent)


def test_a_reissue_by_the_supervisor(company: Company) -> None:
    for scope in ("agent", "team", "market"):
        company.limit(scope, "day", "amount", 200_00)
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    new = reissue(compensation=made, reason="No llegó", by=company.supervisor)
    assert new.granted_by_id == company.supervisor.pk
    assert list(differences()) == []
