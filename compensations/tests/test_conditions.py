"""Conditions that the database keeps as functions, for every state and with each value left out."""

import datetime as dt
import uuid
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from compensations.actions import grant
from compensations.models import Compensation, Coupon
from compensations.states import CompensationState, CouponState

from .scenario import Company

pytestmark = pytest.mark.django_db

SOMEBODY = uuid.uuid4()
NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)


def _says(function: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(values))
        cursor.execute(f"SELECT {function}({marks})", values)
        return cursor.fetchone()[0]


@pytest.mark.parametrize(("state", "moment"), list(product(CompensationState.values, (NOW, None))))
def test_what_was_issued_has_its_moment(state: str, moment: dt.datetime | None) -> None:
    never_issued = state in {"requested", "rejected", "withdrawn", "lapsed"}
    assert _says("issued_has_moment", state, moment) is (moment is not None or never_issued)


@pytest.mark.parametrize(
    ("state", "person", "reason"),
    list(product(CompensationState.values, (SOMEBODY, None), ("a reason", ""))),
)
def test_what_is_voided_has_a_person_and_a_reason(
    state: str, person: uuid.UUID | None, reason: str
) -> None:
    whole = person is not None and reason != ""
    wanted = whole if state == "voided" else person is None
    assert _says("void_has_person_and_reason", state, person, reason) is wanted


@pytest.mark.parametrize(
    ("state", "client", "end"), list(product(CouponState.values, (SOMEBODY, None), (NOW, None)))
)
def test_what_is_reserved_has_a_client_and_an_end(
    state: str, client: uuid.UUID | None, end: dt.datetime | None
) -> None:
    has = (client is not None, end is not None)
    assert _says("reserved_has_both", state, client, end) is (
        has == ((True, True) if state == "reserved" else (False, False))
    )


def test_the_tables_hold_them(company: Company) -> None:
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    compensations = Compensation.objects.filter(pk=made.pk)
    coupons = Coupon.objects.filter(compensation=made)
    for rows, change, name in (
        (compensations, {"issued_at": None}, "issued_has_moment"),
        (compensations, {"voided_by": company.agent}, "void_has_person_and_reason"),
        (coupons, {"reserved_until": NOW}, "reserved_has_both"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            rows.update(**change)
