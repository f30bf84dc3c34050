"""What a list of compensations can be narrowed by, for the API and whatever page shows one."""

import django_filters
from django.utils.translation import gettext_lazy as _

from .models import Compensation
from .states import CompensationState, OfferKind


class CompensationFilter(django_filters.FilterSet):
    """Moments are ISO 8601 with an offset, as `2026-11-22T15:04:05Z`; ranges are half open."""

    state = django_filters.ChoiceFilter(choices=CompensationState.choices)
    kind = django_filters.ChoiceFilter(choices=OfferKind.choices)
    incident = django_filters.CharFilter(
        field_name="incident__folio", max_length=30, label=_("Folio of the incident")
    )
    customer = django_filters.UUIDFilter(field_name="customer", label=_("Id of the customer"))
    agent = django_filters.CharFilter(
        field_name="granted_by__username",
        lookup_expr="iexact",
        max_length=60,
        label=_("User name of the person who granted"),
    )
    issued_from = django_filters.IsoDateTimeFilter(
        field_name="issued_at", lookup_expr="gte", label=_("Issued at or after")
    )
    issued_before = django_filters.IsoDateTimeFilter(
        field_name="issued_at", lookup_expr="lt", label=_("Issued before")
    )

    class Meta:
        model = Compensation
        fields: list[str] = []
