"""A company at work, with people signed in at its desk and one market that is not theirs."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import RoleGrant, Staff
from accounts.states import Role
from common.ids import uuid7
from compensations.tests.scenario import Company, build

SignIn = Callable[[Staff], Client]


@pytest.fixture
def company(db: None) -> Company:
    return build()


@pytest.fixture
def elsewhere(db: None) -> Company:
    """A market in which nobody of `company` holds a role."""
    return build("CO")


@pytest.fixture
def auditor(company: Company) -> Staff:
    """Reads everything in the market, changes nothing."""
    staff = Staff.objects.create(
        username=f"auditor-{uuid7().hex[-8:]}", name="Aurora", email="aurora@staff.example"
    )
    RoleGrant.objects.create(staff=staff, market=company.market, role=Role.AUDITOR)
    return staff


@pytest.fixture
def signed_in() -> SignIn:
    def sign_in(staff: Staff) -> Client:
        Staff.objects.filter(pk=staff.pk).update(language="en")
        client = Client()
        client.force_login(staff)
        return client

    return sign_in


@pytest.fixture
def desk(company: Company, signed_in: SignIn) -> Client:
    """The agent's browser."""
    return signed_in(company.agent)
