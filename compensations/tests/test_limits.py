"""Changing limits: two people, never one's own, and what was used stays used."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from common.errors import NotAllowed
from compensations.actions import (
    confirm_limit,
    grant,
    propose_limit,
    reissue,
    reject_limit,
    resend,
    retire_limit,
    void,
)
from compensations.models import Compensation, IssuanceLimit, LimitCounter
from compensations.reconciliation import differences
from compensations.refusals import LimitChanged, LimitExceeded, ResendRefused, SelfDealing
from incidents.actions import add_contact

from .scenario import Company

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


def used(limit: IssuanceLimit) -> int:
    return sum(LimitCounter.objects.filter(limit=limit).values_list("used", flat=True))


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
    old = company.limit("agent", "day", "amount", 300_00)
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    new = confirm_limit(limit=propose(company, 500_00), by=company.elena)
    assert (used(old), used(new)) == (0, 200_00)
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
    assert used(new) == 300_00
    assert list(differences()) == []


def test_a_limit_of_ones_own_begins_and_ends_with_what_was_used(company: Company) -> None:
    general = company.limit("agent", "day", "amount", 300_00)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.colleague)
    own = confirm_limit(limit=propose(company, 1_000_00, for_staff=company.agent), by=company.elena)
    assert (used(general), used(own)) == (200_00, 200_00)
    retire_limit(limit=own, reason="Fin de temporada", by=company.hugo)
    assert (used(general), used(own)) == (400_00, 0)
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
