"""What the address of a list of this app may say."""

import django_filters
from django.utils.translation import gettext_lazy as _

from common.ordered import OrderedForm

from ..models import NightlyReport


class NightsForm(OrderedForm):
    DAYS = {"date_from": "date_to"}


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
