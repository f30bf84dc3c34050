"""The description of the API against the API: checked in, complete, and true of every answer.

Requests are generated from the description and sent to a live server, first as generated, then with
the identifiers of things that exist, so that both the refusals and the work are met.
"""

import io
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.management import call_command
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.actions import create_access_token
from common.ids import uuid7
from compensations.actions import grant
from compensations.tests.scenario import Company, build, code_of

DESCRIPTION = django_settings.BASE_DIR / "docs" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
described = schemathesis.openapi.from_path(DESCRIPTION)


def test_the_description_that_is_checked_in_is_the_one_the_code_gives() -> None:
    made = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=made)
    assert DESCRIPTION.read_text(encoding="utf-8").strip() == made.getvalue().strip(), (
        "the API changed: manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn"
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@described.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(
    case: "schemathesis.Case[Any]", live_server: object, known: "Known"
) -> None:
    headers = {"Authorization": f"Bearer {known.key_for(case.path)}"}
    for _round in range(2):
        cache.clear()
        answer = case.call(base_url=str(live_server), headers=headers)
        case.validate_response(answer, checks=CHECKS)
        known.put_into(case)


class Known:
    """A company with something to find, and keys of those who may find it."""

    def __init__(self, company: Company) -> None:
        made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
        self.agent_key = create_access_token(staff=company.agent, by=company.agent)[1]
        self.till_key = company.till_key
        self.values = {
            "folio": made.incident.folio,
            "key": str(made.customer_id),
            "customer": str(made.customer_id),
            "id": str(made.pk),
            "offer": company.offers["gift_card"].pk,
            "code": code_of(made),
            "category": company.category.code,
            "location": company.location.code,
            "market": company.market.code,
            "external_transaction_id": "T-1",
        }

    def key_for(self, path: str) -> str:
        """The key of somebody who may do it: a till's for codes, an agent's for the rest."""
        return self.till_key if "/coupons/" in path else self.agent_key

    def put_into(self, case: "schemathesis.Case[Any]") -> None:
        """Replaces generated identifiers by real ones, wherever the request has such a place."""
        places = [case.path_parameters]
        if isinstance(case.body, dict):
            places.append(case.body)
        for place in places:
            for name in set(place) & set(self.values):
                place[name] = self.values[name]
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = uuid7().hex


@pytest.fixture
def known(transactional_db: None) -> Known:
    return Known(build())
