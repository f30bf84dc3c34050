"""Fixtures of the portal's tests: a company, and a granted compensation with its link."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone

from common.ids import uuid7
from compensations.actions import grant
from compensations.models import Compensation
from compensations.tests.scenario import Company, build
from incidents.actions import issue_portal_token


@pytest.fixture
def company(db: None) -> Company:
    return build()


@pytest.fixture
def granted(company: Company) -> Compensation:
    """A coupon of 200.00 MXN for Mariana Solís, who reads Spanish."""
    return grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


@pytest.fixture
def link() -> Callable[[Compensation], str]:
    """The address a customer receives."""

    def make(compensation: Compensation) -> str:
        token = issue_portal_token(
            incident=compensation.incident,
            ref=compensation.pk,
            seed=uuid7(),
            until=timezone.now() + dt.timedelta(days=90),
        )
        return reverse("portal-coupon", args=[token])

    return make
