"""What the address of a list of this app may say."""

from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

from ..models import NightlyReport


class NightsForm(forms.Form):
    """Dates the wrong way round would find nothing, and look like no night at all."""

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and first > last:
            self.add_error("date_to", _("The last date is before the first one."))
        return values


class NightlyFilter(django_filters.FilterSet):
    """Which nights."""

    market = django_filters.CharFilter(
        field_name="market__code", max_length=12, label=_("Code of the market")
    )
    date_from = django_filters.DateFilter(field_name="date", lookup_expr="gte")
    date_to = django_filters.DateFilter(field_name="date", lookup_expr="lte")

    class Meta:
        form = NightsForm
        model = NightlyReport
        fields: list[str] = []
