"""Invariant 13: a change of role, limit or employment holds on the next request, and what was
signed in under other rights ends."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions
from accounts.actions import create_access_token
from accounts.models import AccessToken, RoleGrant, Staff
from accounts.states import Role

from .factories import StaffFactory
from .scenario import Company, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return build()


def signed_in(staff: Staff) -> Client:
    client = Client()
    client.force_login(Staff.objects.get(pk=staff.pk))
    assert client.get(reverse("preferences")).status_code == 200
    return client


def key_of(staff: Staff) -> str:
    return create_access_token(staff=staff, by=Staff.objects.get(pk=staff.pk))[1]


def by_key(key: str) -> int:
    answer: Any = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {key}"})
    return int(answer.status_code)


def test_a_role_that_is_given_ends_sessions_and_keys(company: Company) -> None:
    inside, other = signed_in(company.agent), signed_in(company.admin)
    key = key_of(company.agent)
    assert by_key(key) == 200
    actions.grant_role(
        staff=company.agent, market=company.market, role=Role.SUPERVISOR, by=company.admin
    )
    assert inside.get(reverse("preferences")).status_code == 302
    assert by_key(key) == 401
    assert other.get(reverse("preferences")).status_code == 200
    signed_in(company.agent)


def test_a_role_that_is_taken_ends_sessions_and_keys(company: Company) -> None:
    inside, key = signed_in(company.agent), key_of(company.agent)
    grant = RoleGrant.objects.get(staff=company.agent, ended_at=None)
    actions.end_role(grant=grant, by=company.admin)
    assert inside.get(reverse("preferences")).status_code == 302
    assert by_key(key) == 401
    assert not AccessToken.objects.filter(staff=company.agent, revoked_at=None).exists()


def test_a_role_changed_by_another_door_ends_sessions_too(company: Company) -> None:
    inside = signed_in(company.agent)
    RoleGrant.objects.create(
        staff=company.agent, market=company.market, role=Role.AUDITOR, granted_by=company.admin
    )
    assert inside.get(reverse("preferences")).status_code == 302


def test_who_leaves_is_out_at_once(company: Company) -> None:
    inside, key = signed_in(company.agent), key_of(company.agent)
    actions.deactivate_staff(staff=company.agent, by=company.admin)
    assert inside.get(reverse("preferences")).status_code == 302
    assert by_key(key) == 401


def test_somebody_elses_role_ends_nothing(company: Company) -> None:
    inside, key = signed_in(company.agent), key_of(company.agent)
    somebody: Any = StaffFactory.create(market=company.market, roles=[Role.AGENT])
    actions.grant_role(
        staff=somebody, market=company.market, role=Role.SUPERVISOR, by=company.admin
    )
    assert inside.get(reverse("preferences")).status_code == 200
    assert by_key(key) == 200


def test_the_database_keeps_every_role_that_was_held(company: Company) -> None:
    """Invariant 25: a role comes back by a new row with its record, not by an old one."""
    actions.end_role(grant=company.grant, by=company.admin)
    held = RoleGrant.objects.filter(pk=company.grant.pk)
    changes: list[dict[str, Any]] = [
        {"ended_at": None, "ended_by": None},
        {"ended_at": timezone.now()},
        {"role": Role.FINANCE},
        {"staff": company.admin},
    ]
    for change in changes:
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            held.update(**change)
