"""The upgrade to one offer for each case: rows that hold the same one twice already survive it."""

from importlib import import_module

import pytest
from django.db import connection

from compensations.actions import grant, void
from compensations.models import Compensation

from .scenario import Company

pytestmark = pytest.mark.django_db
upgrade = import_module("compensations.migrations.0014_offer_once")


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_the_newest_of_those_that_collide_says_what_it_is(company: Company) -> None:
    case, alone = company.incident(), company.incident()
    single = grant(incident=alone, offer=company.offers["coupon"], by=company.agent)
    # As it was before: the index by the offer's row, and no column.
    _run(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "DROP INDEX compensation_offer_once",
        "SET CONSTRAINTS ALL DEFERRED",
    )
    over = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    void(compensation=over, reason="Se equivocó.", by=company.agent)
    made = [grant(incident=case, offer=company.offers["coupon"], by=company.agent)]
    for maximum in (350_00, 400_00):
        offer = company.republish("coupon", maximum=maximum)
        made.append(grant(incident=case, offer=offer, by=company.agent))
    _run(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "DROP TRIGGER compensations_compensation_frozen ON compensations_compensation",
        "UPDATE compensations_compensation SET offer_key = ''",
        upgrade.KEYS,
        upgrade.ONCE.replace("CONCURRENTLY", ""),
        # Harmless to run again.
        upgrade.KEYS,
    )
    keys = dict(Compensation.objects.values_list("pk", "offer_key"))
    assert [keys[row.pk] for row in made] == [
        "coupon:coupon #3",
        "coupon:coupon #2",
        "coupon:coupon",
    ]
    assert keys[over.pk] == keys[single.pk] == "coupon:coupon"
