"""What a list of compensations can be narrowed by, for the API and whatever page shows one."""

import datetime as dt
from typing import Any

import django_filters
import django_filters.fields
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from common.ordered import OrderedForm

from .models import Approval, Compensation, ScaleVersion
from .states import ApprovalState, CompensationState, OfferKind, ScaleState


class MomentField(django_filters.fields.IsoDateTimeField):
    """A moment handed on in UTC: PostgreSQL knows fewer offsets than ISO 8601 can write."""

    def clean(self, value: Any) -> dt.datetime | None:
        moment = super().clean(value)
        if not isinstance(moment, dt.datetime):
            return None
        try:
            return moment.astimezone(dt.UTC)
        except OverflowError as error:
            raise ValidationError(_("This is not a possible moment.")) from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


class IssuedForm(OrderedForm):
    MOMENTS = {"issued_from": "issued_before"}


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
    issued_from = MomentFilter(
        field_name="issued_at", lookup_expr="gte", label=_("Issued at or after")
    )
    issued_before = MomentFilter(field_name="issued_at", lookup_expr="lt", label=_("Issued before"))

    class Meta:
        form = IssuedForm
        model = Compensation
        fields: list[str] = []


class ApprovalFilter(django_filters.FilterSet):
    """Requests by state, by who decides them, and one's own."""

    state = django_filters.ChoiceFilter(choices=ApprovalState.choices)
    level = django_filters.ChoiceFilter(
        choices=[("1", _("Supervisors")), ("2", _("Finance"))], label=_("Who decides")
    )
    mine = django_filters.BooleanFilter(method="by_caller", label=_("Asked by the caller"))

    class Meta:
        model = Approval
        fields: list[str] = []

    def by_caller(
        self, rows: "QuerySet[Approval]", _name: str, wanted: bool
    ) -> "QuerySet[Approval]":
        user = getattr(self.request, "user", None)
        if not isinstance(user, Staff):
            return rows.none()
        return rows.filter(requested_by=user) if wanted else rows.exclude(requested_by=user)


class ScaleFilter(django_filters.FilterSet):
    """Which versions of the scale."""

    market = django_filters.CharFilter(
        field_name="market__code", max_length=12, label=_("Code of the market")
    )
    state = django_filters.ChoiceFilter(choices=ScaleState.choices)

    class Meta:
        model = ScaleVersion
        fields: list[str] = []
