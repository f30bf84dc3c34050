"""Rows of this app for tests. Customers and incidents go through the actions where rules matter;
these make rows directly, for what only reads them.
"""

import datetime as dt
from typing import Any

from django.utils import timezone
from factory.declarations import (
    LazyAttribute,
    LazyFunction,
    SelfAttribute,
    Sequence,
    SubFactory,
)
from factory.django import DjangoModelFactory

from accounts.tests.factories import MarketFactory
from common.fingerprints import fingerprint
from common.ids import uuid7
from incidents.models import Category, ContactPoint, Customer, Incident
from incidents.states import Severity


class CategoryFactory(DjangoModelFactory[Category]):
    class Meta:
        model = Category

    market = SubFactory(MarketFactory)
    code = Sequence(lambda number: f"reason-{number}")
    name_es = LazyAttribute(lambda row: f"Motivo {row.code}")
    name_en = LazyAttribute(lambda row: f"Reason {row.code}")
    suggested_severity = Severity.MODERATE


class CustomerFactory(DjangoModelFactory[Customer]):
    """`phone` and `email`, already normalised, become contact points."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    market = SubFactory(MarketFactory)
    name = Sequence(lambda number: f"Cliente {number}")
    language = "es"

    @classmethod
    def _create(cls, model_class: type[Customer], *_args: Any, **kwargs: Any) -> Customer:
        contacts = {kind: kwargs.pop(kind, "") for kind in ("phone", "email")}
        customer = model_class(**kwargs)
        customer.save()
        for kind, value in contacts.items():
            if value:
                ContactPoint.objects.create(
                    customer=customer,
                    market=customer.market,
                    kind=kind,
                    value=value,
                    fingerprint=fingerprint("contact", value),
                )
        return customer


class IncidentFactory(DjangoModelFactory[Incident]):
    """`logged_at` moves the id along, as the table demands."""

    class Meta:
        model = Incident

    market = SubFactory(MarketFactory)
    customer = SubFactory(CustomerFactory, market=SelfAttribute("..market"))
    category = SubFactory(CategoryFactory, market=SelfAttribute("..market"))
    folio = Sequence(lambda number: f"T-2026-{number:06d}")
    severity = Severity.MODERATE
    suggested_severity = Severity.MODERATE
    narrative = "El cuarto no estaba listo a las cinco."
    channel = "phone"
    currency = LazyAttribute(lambda row: row.market.currency)
    logged_at = LazyFunction(timezone.now)
    id = LazyAttribute(lambda row: id_at(row.logged_at))


def id_at(moment: dt.datetime) -> Any:
    """A new id of the aware `moment`."""
    fresh = uuid7()
    rest = fresh.int & ((1 << 80) - 1)
    return type(fresh)(int=int(moment.timestamp() * 1000) << 80 | rest)
