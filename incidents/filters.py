"""Filters of the lists of incidents and customers: one set for the page and for the API.

Shape only: what may be seen at all is the queryset that comes in. `q` comes last on purpose, since
a search takes the newest matches among what the other filters left.
"""

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Location, Market, Team
from common.ordered import OrderedForm
from common.windows import day_bounds

from .access import readable_markets
from .models import Category, Customer, Incident
from .selectors import (
    in_states,
    logged_between,
    search_customers,
    search_incidents,
    visible_incidents,
    with_email,
    with_phone,
)
from .states import ContactChannel, IncidentState, Segment, Severity

LONGEST_QUERY = 120
LARGEST_KEY = 2**63 - 1


def readable_market_rows(user: object) -> QuerySet[Market]:
    """Markets whose cases the person or client may read."""
    own = getattr(user, "market_id", None)
    keys = [own] if own is not None else readable_markets(user)
    return Market.objects.filter(pk__in=keys)


def _keys(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.values_list("pk", flat=True))


def _among(queryset: QuerySet[Any], field: str, keys: list[Any]) -> QuerySet[Any]:
    """One key by equality, so that the page index of the field gives the order; none: no rows."""
    if not keys:
        return queryset.none()
    return queryset.filter(**({field: keys[0]} if len(keys) == 1 else {f"{field}__in": keys}))


class KeyFilter(django_filters.Filter):
    """A whole number that may be a row's key."""

    field_class = forms.IntegerField


class DayFilter(django_filters.DateFilter):
    """A day written `2026-03-31`: other orders would be guessed."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **fields)


class ReadableFilterSet(django_filters.FilterSet):
    """Knows the reader, for what depends on their markets."""

    @property
    def user(self) -> object:
        return getattr(self.request, "user", None)

    def by_market(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        keys = _keys(readable_market_rows(self.user).filter(code=value))
        return _among(queryset, "market", keys)


class LoggedForm(OrderedForm):
    DAYS = {"logged_from": "logged_to"}


class IncidentFilter(ReadableFilterSet):
    """What a list of incidents can be narrowed by. Dates are local days of the market."""

    market = django_filters.CharFilter(
        label=_("Market"), max_length=12, method="by_market", help_text=_("Code of a market.")
    )
    state = django_filters.MultipleChoiceFilter(
        label=_("State"), choices=IncidentState.choices, method="by_states"
    )
    severity = django_filters.MultipleChoiceFilter(
        label=_("Severity"), choices=Severity.choices, method="by_choices"
    )
    category = django_filters.CharFilter(
        label=_("Category"),
        max_length=40,
        method="by_category",
        help_text=_("Code of a category; a reason brings its sub-reasons."),
    )
    channel = django_filters.ChoiceFilter(label=_("Channel"), choices=ContactChannel.choices)
    location = django_filters.CharFilter(
        label=_("Location"), max_length=12, method="by_location", help_text=_("Code of a location.")
    )
    owner = django_filters.UUIDFilter(label=_("Owner"), field_name="owner_id")
    team = KeyFilter(label=_("Team"), method="by_team", min_value=1, max_value=LARGEST_KEY)
    customer = django_filters.UUIDFilter(label=_("Customer"), field_name="customer_id")
    logged_from = DayFilter(label=_("Logged from"), method="by_first_day")
    logged_to = DayFilter(label=_("Logged up to"), method="by_last_day")
    source = django_filters.CharFilter(label=_("Source"), max_length=60)
    q = django_filters.CharFilter(
        label=_("Search"),
        max_length=LONGEST_QUERY,
        method="by_words",
        help_text=_(
            "Folio, order, name, part of a phone number, email, or words of what happened."
        ),
    )

    class Meta:
        form = LoggedForm
        model = Incident
        fields: list[str] = []

    def by_choices(
        self, queryset: QuerySet[Incident], name: str, value: list[str]
    ) -> QuerySet[Incident]:
        return _among(queryset, name, list(value)) if value else queryset

    def by_states(
        self, queryset: QuerySet[Incident], name: str, value: list[str]
    ) -> QuerySet[Incident]:
        return queryset.filter(in_states(value)) if value else queryset

    def by_category(
        self, queryset: QuerySet[Incident], name: str, value: str
    ) -> QuerySet[Incident]:
        markets = readable_market_rows(self.user)
        rows = Category.objects.filter(
            Q(code__iexact=value) | Q(parent__code__iexact=value), market__in=markets
        )
        return _among(queryset, "category", _keys(rows))

    def by_location(
        self, queryset: QuerySet[Incident], name: str, value: str
    ) -> QuerySet[Incident]:
        rows = Location.objects.filter(
            code__iexact=value, market__in=readable_market_rows(self.user)
        )
        return _among(queryset, "location", _keys(rows))

    def by_team(self, queryset: QuerySet[Incident], name: str, value: int) -> QuerySet[Incident]:
        rows = Team.objects.filter(pk=value, market__in=readable_market_rows(self.user))
        return _among(queryset, "team", _keys(rows))

    def _zone(self) -> str:
        """The time zone of the chosen market, else of the reader's first one."""
        rows = readable_market_rows(self.user)
        code = self.data.get("market")
        chosen = (rows.filter(code=code) if code else rows).values_list("time_zone", flat=True)
        return chosen.first() or "UTC"

    def by_first_day(
        self, queryset: QuerySet[Incident], name: str, value: dt.date
    ) -> QuerySet[Incident]:
        return logged_between(queryset, day_bounds(value, self._zone())[0], None)

    def by_last_day(
        self, queryset: QuerySet[Incident], name: str, value: dt.date
    ) -> QuerySet[Incident]:
        return logged_between(queryset, None, day_bounds(value, self._zone())[1])

    def by_words(self, queryset: QuerySet[Incident], name: str, value: str) -> QuerySet[Incident]:
        return search_incidents(queryset, value, visible_incidents(self.user))


class CustomerFilter(ReadableFilterSet):
    """What a list of customers can be narrowed by."""

    market = django_filters.CharFilter(label=_("Market"), max_length=12, method="by_market")
    segment = django_filters.ChoiceFilter(label=_("Segment"), choices=Segment.choices)
    external_ref = django_filters.CharFilter(label=_("Customer number"), max_length=60)
    phone = django_filters.CharFilter(
        label=_("Phone"), max_length=30, method="by_phone", help_text=_("The whole number.")
    )
    email = django_filters.CharFilter(
        label=_("Email"), max_length=120, method="by_email", help_text=_("The whole address.")
    )
    q = django_filters.CharFilter(
        label=_("Search"),
        max_length=LONGEST_QUERY,
        method="by_words",
        help_text=_("Name, part of a phone number, email or customer number."),
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def by_phone(self, queryset: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return with_phone(queryset, value, list(readable_market_rows(self.user)))

    def by_email(self, queryset: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return with_email(queryset, value)

    def by_words(self, queryset: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return search_customers(queryset, value)
