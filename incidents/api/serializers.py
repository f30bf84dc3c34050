"""Shapes of customers and incidents. Unknown fields are refused; only actions decide.

Markets, categories and locations go by their codes, people and customers by their ids, amounts in
minor units with their currency. Contacts leave masked.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import Moment, StrictSerializer
from accounts.states import Language
from common.money import MAX_MINOR
from delivery.states import Channel

from ..models import Customer, Incident
from ..states import ContactChannel, ContactKind, IncidentKind, IncidentState, Segment, Severity


class ContactOut(serializers.Serializer[Any]):
    """One way to reach a customer, masked."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ContactKind.choices)
    masked = serializers.CharField()
    changed_at = serializers.DateTimeField()


class CustomerOut(serializers.Serializer[Customer]):
    """A customer. `version` goes back with a PATCH."""

    id = serializers.UUIDField()
    market = serializers.CharField(source="market.code")
    name = serializers.CharField()
    language = serializers.ChoiceField(choices=Language.choices)
    segment = serializers.ChoiceField(choices=Segment.choices)
    preferred_channel = serializers.ChoiceField(choices=Channel.choices)
    external_ref = serializers.CharField()
    created_at = serializers.DateTimeField()
    version = serializers.IntegerField()
    contacts = serializers.SerializerMethodField()

    @extend_schema_field(ContactOut(many=True))
    def get_contacts(self, customer: Customer) -> list[Any]:
        rows = [row for row in customer.contacts.all() if row.is_active]
        return list(ContactOut(rows, many=True).data)


class CustomerIn(StrictSerializer):
    """A new customer. `market` may be left out where the caller has only one."""

    market = serializers.CharField(max_length=12, required=False)
    # An empty one is refused by the action, together with whatever else is wrong.
    name = serializers.CharField(max_length=120, allow_blank=True)
    language = serializers.ChoiceField(choices=Language.choices, required=False)
    preferred_channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True)
    email = serializers.CharField(max_length=120, required=False, allow_blank=True)
    external_ref = serializers.CharField(max_length=60, required=False, allow_blank=True)
    segment = serializers.ChoiceField(
        choices=Segment.choices,
        required=False,
        help_text=_("For finance and intake clients only."),
    )


class CustomerPatch(StrictSerializer):
    """What may change; `version` is the one that was read.

    A phone or email that is new is added beside the others.
    """

    version = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=120, required=False)
    language = serializers.ChoiceField(choices=Language.choices, required=False)
    preferred_channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    phone = serializers.CharField(max_length=30, required=False)
    email = serializers.CharField(max_length=120, required=False)
    external_ref = serializers.CharField(max_length=60, required=False, allow_blank=True)
    segment = serializers.ChoiceField(choices=Segment.choices, required=False)


class CustomerBrief(serializers.Serializer[Customer]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    segment = serializers.ChoiceField(choices=Segment.choices)


class PersonBrief(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class TeamBrief(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class CategoryBrief(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    # The framework takes declared fields off the class: the names below shadow nothing.
    parent = serializers.CharField(  # type: ignore[assignment]
        source="parent.code", allow_null=True, default=None
    )


class LocationBrief(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class IncidentOut(serializers.Serializer[Incident]):
    """An incident. Moments are UTC; `version` goes back with a PATCH."""

    folio = serializers.CharField()
    id = serializers.UUIDField()
    market = serializers.CharField(source="market.code")
    customer = CustomerBrief()
    kind = serializers.ChoiceField(choices=IncidentKind.choices)
    category = CategoryBrief()
    severity = serializers.ChoiceField(choices=Severity.choices)
    suggested_severity = serializers.ChoiceField(choices=Severity.choices)
    severity_reason = serializers.CharField()
    narrative = serializers.CharField()
    channel = serializers.ChoiceField(choices=ContactChannel.choices)
    location = LocationBrief(allow_null=True)
    order_ref = serializers.CharField()
    amount_at_stake_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    state = serializers.ChoiceField(choices=IncidentState.choices)
    owner = PersonBrief(allow_null=True)
    team = TeamBrief(allow_null=True)
    occurred_at = serializers.DateTimeField(allow_null=True)
    logged_at = serializers.DateTimeField()
    compensate_due_at = serializers.DateTimeField(allow_null=True)
    resolve_due_at = serializers.DateTimeField(allow_null=True)
    compensated_at = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    resolution = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    source_ref = serializers.CharField()
    version = serializers.IntegerField()


class WarningOut(serializers.Serializer[Any]):
    """Something not done yet on a case that was resolved all the same. `code` is stable."""

    code = serializers.CharField(help_text=_("`not_handed_over`, for now."))
    detail = serializers.CharField(source="words")
    compensation = serializers.CharField(
        help_text=_("Id of the compensation that it is about; empty for none.")
    )


class IncidentChanged(IncidentOut):
    """An incident after a change, with what whoever resolved it should know."""

    warnings = serializers.SerializerMethodField()

    @extend_schema_field(WarningOut(many=True))
    def get_warnings(self, _incident: Incident) -> list[Any]:
        return list(WarningOut(self.context.get("open_ends", ()), many=True).data)


class IncidentFields(StrictSerializer):
    """What both opening and changing take."""

    kind = serializers.ChoiceField(choices=IncidentKind.choices, required=False)
    severity = serializers.ChoiceField(
        choices=Severity.choices,
        required=False,
        help_text=_("The category's suggestion unless given; another one needs a reason."),
    )
    severity_reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    location = serializers.CharField(max_length=12, required=False, allow_null=True)
    order_ref = serializers.CharField(max_length=60, required=False, allow_blank=True)
    amount_at_stake_minor = serializers.IntegerField(
        min_value=0, max_value=MAX_MINOR, required=False, allow_null=True
    )
    occurred_at = Moment(required=False, allow_null=True)


class IncidentIn(IncidentFields):
    """A new incident. `market` is the customer's."""

    customer = serializers.UUIDField()
    category = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=5000)
    channel = serializers.ChoiceField(choices=ContactChannel.choices)
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=60, required=False, allow_blank=True
    )
    source_ref = serializers.CharField(max_length=120, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("source_ref") and not attrs.get("source"):
            raise serializers.ValidationError({"source": [_("Name the source of this reference.")]})
        return attrs


class IncidentPatch(IncidentFields):
    """What may change; `version` is the one that was read.

    `state` moves the case once the other fields are saved: `resolved` with `resolution`,
    `closed`, or `in_recovery` with `reason`, which reopens it.
    """

    version = serializers.IntegerField(min_value=1)
    customer = serializers.UUIDField(
        required=False,
        help_text="Only for an imported case that names nobody, before anything is granted.",
    )
    category = serializers.CharField(max_length=40, required=False)
    narrative = serializers.CharField(max_length=5000, required=False)
    channel = serializers.ChoiceField(choices=ContactChannel.choices, required=False)
    owner = serializers.UUIDField(required=False, allow_null=True)
    team = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    state = serializers.ChoiceField(
        choices=[
            (state.value, state.label)
            for state in (IncidentState.IN_RECOVERY, IncidentState.RESOLVED, IncidentState.CLOSED)
        ],
        required=False,
    )
    resolution = serializers.CharField(max_length=500, required=False)
    reason = serializers.CharField(max_length=300, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needs = {"resolution": IncidentState.RESOLVED, "reason": IncidentState.IN_RECOVERY}
        for field, state in needs.items():
            if (field in attrs) != (attrs.get("state") == state):
                raise serializers.ValidationError(
                    {field: [_("This goes with the state it explains, and only with that.")]}
                )
        return attrs
