"""Reads of customers and how to reach them."""

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from accounts.models import Market
from accounts.states import Scope
from common.contacts import normalise_phone
from common.errors import InvalidInput
from common.fingerprints import fingerprint

from ..access import client_may, readable_markets
from ..models import ContactPoint, Customer, Incident
from ..states import ContactKind, IncidentState

OPEN_STATES = (IncidentState.OPEN, IncidentState.IN_RECOVERY)
RECENT = dt.timedelta(days=90)
YEAR = dt.timedelta(days=365)


def visible_customers(user: object) -> QuerySet[Customer]:
    """Customers that the person or intake client may read; none for anybody else."""
    rows = Customer.objects.select_related("market")
    if client_may(user, Scope.CUSTOMERS_WRITE):
        return rows.filter(market=getattr(user, "market_id", None))
    markets = readable_markets(user)
    return in_markets(rows, markets)


def in_markets(rows: QuerySet[Customer], markets: list[int]) -> QuerySet[Customer]:
    if not markets:
        return rows.none()
    # Equality, not IN: only then does the page index give the order for nothing.
    return rows.filter(market=markets[0]) if len(markets) == 1 else rows.filter(market__in=markets)


def visible_contacts(user: object) -> QuerySet[ContactPoint]:
    """Contact points of the customers that `user` may read."""
    return ContactPoint.objects.filter(customer__in=visible_customers(user)).select_related(
        "customer", "market"
    )


def with_contact(rows: QuerySet[Customer], values: list[str]) -> QuerySet[Customer]:
    """The customers of `rows` who use one of these whole, normalised contacts."""
    prints = [fingerprint("contact", value) for value in values]
    contacts = ContactPoint.objects.filter(fingerprint__in=prints, is_active=True)
    return rows.filter(id__in=contacts.values("customer_id"))


def with_phone(rows: QuerySet[Customer], text: str, markets: list[Market]) -> QuerySet[Customer]:
    """The customers of `rows` with this phone, read as each market's people write it."""
    values = set()
    for market in markets:
        with suppress(InvalidInput):
            values.add(normalise_phone(text, market.country))
    return with_contact(rows, sorted(values))


def with_email(rows: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    return with_contact(rows, [text.strip().lower()])


def active_contacts(customer: Customer) -> list[ContactPoint]:
    """Contacts in use, the most recently changed first."""
    return list(
        ContactPoint.objects.filter(customer=customer, is_active=True).order_by("-changed_at")
    )


def contact_for(customer: Customer, kind: str) -> ContactPoint | None:
    """The contact of that kind to write to now, or None: the most recently changed in use."""
    return (
        ContactPoint.objects.filter(customer=customer, kind=ContactKind(kind), is_active=True)
        .order_by("-changed_at", "-id")
        .first()
    )


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """Counts of one customer's incidents; the year is the last 365 days."""

    open_now: int
    in_year: int
    critical_in_year: int
    all_time: int
    first_at: dt.datetime | None
    last_at: dt.datetime | None


def customer_summary(customer: Customer) -> CustomerSummary:
    year = Q(logged_at__gte=timezone.now() - YEAR)
    row = Incident.objects.filter(customer=customer).aggregate(
        open_now=Count("id", filter=Q(state__in=OPEN_STATES)),
        in_year=Count("id", filter=year),
        critical_in_year=Count("id", filter=year & Q(severity="critical")),
        all_time=Count("id"),
        first_at=Min("logged_at"),
        last_at=Max("logged_at"),
    )
    return CustomerSummary(**row)


def open_and_recent(customer: Customer, *, limit: int = 6) -> list[Incident]:
    """Cases still open, then those of the last 90 days, newest first."""
    return list(
        Incident.objects.filter(customer=customer)
        .filter(Q(state__in=OPEN_STATES) | Q(logged_at__gte=timezone.now() - RECENT))
        .select_related("category", "category__parent", "market", "owner")
        .order_by("-id")[:limit]
    )
