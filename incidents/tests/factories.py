"""Rows of this app for tests. Customers and incidents go through the actions where rules matter;
these make rows directly, for what only reads them.
"""

import datetime as dt
from typing import Any

import factory
from django.utils import timezone

from accounts.tests.factories import MarketFactory
from common.fingerprints import fingerprint
from common.ids import uuid7
from incidents.models import Category, ContactPoint, Customer, Incident
from incidents.states import Severity


class CategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Category

    market = factory.SubFactory(MarketFactory)
    code = factory.Sequence(lambda number: f"reason-{number}")
    name_es = factory.LazyAttribute(lambda row: f"Motivo {row.code}")
    name_en = factory.LazyAttribute(lambda row: f"Reason {row.code}")
    suggested_severity = Severity.MODERATE


class CustomerFactory(factory.django.DjangoModelFactory):
    """`phone` and `email`, already normalised, become contact points."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    market = factory.SubFactory(MarketFactory)
    name = factory.Sequence(lambda number: f"Cliente {number}")
    language = "es"

    @classmethod
    def _create(cls, model_class: type[Customer], *args: Any, **kwargs: Any) -> Customer:
        contacts = {kind: kwargs.pop(kind, "") for kind in ("phone", "email")}
        customer = model_class(*args, **kwargs)
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


class IncidentFactory(factory.django.DjangoModelFactory):
    """`logged_at` moves the id along, as the table demands."""

    class Meta:
        model = Incident

    market = factory.SubFactory(MarketFactory)
    customer = factory.SubFactory(CustomerFactory, market=factory.SelfAttribute("..market"))
    category = factory.SubFactory(CategoryFactory, market=factory.SelfAttribute("..market"))
    folio = factory.Sequence(lambda number: f"T-2026-{number:06d}")
    severity = Severity.MODERATE
    suggested_severity = Severity.MODERATE
    narrative = "El cuarto no estaba listo a las cinco."
    channel = "phone"
    currency = factory.LazyAttribute(lambda row: row.market.currency)
    logged_at = factory.LazyFunction(timezone.now)
    id = factory.LazyAttribute(lambda row: id_at(row.logged_at))


def id_at(moment: dt.datetime) -> Any:
    """A new id of the aware `moment`."""
    fresh = uuid7()
    rest = fresh.int & ((1 << 80) - 1)
    return type(fresh)(int=int(moment.timestamp() * 1000) << 80 | rest)
