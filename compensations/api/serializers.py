"""Shapes of this app's API: what a request may carry and what an answer says. No rule is here.

Amounts are integers in minor units of the currency beside them; moments are ISO 8601 in UTC.
"""

import datetime as dt
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import StrictSerializer, shown
from common.money import MAX_MINOR
from delivery.states import Channel
from incidents.models.guidance import in_reader_language
from incidents.states import Severity

from ..actions import CouponView
from ..actions.requesting import REASON_LENGTH
from ..approvals import FINANCE_LEVEL
from ..limits import Room
from ..models import Approval, Compensation, Coupon, Redemption, Reversal
from ..selectors import OfferOption
from ..states import (
    ApprovalState,
    Basis,
    CompensationState,
    CouponState,
    LimitScope,
    LimitWindow,
    Measure,
    OfferKind,
)

CODE_LENGTH = 40
TRANSACTION_LENGTH = 80
LOCATION_LENGTH = 12


# --- offers and grants -------------------------------------------------------------------------


class RoomShape(serializers.Serializer[Room]):
    """What a limit leaves: minor units for an amount, compensations for a count."""

    name = serializers.CharField()
    scope = serializers.ChoiceField(choices=LimitScope.choices)
    window = serializers.ChoiceField(choices=LimitWindow.choices)
    measure = serializers.ChoiceField(choices=Measure.choices)
    cap = serializers.IntegerField()
    used = serializers.IntegerField()
    left = serializers.IntegerField()


class RefusalShape(serializers.Serializer[Any]):
    """Why this offer cannot be granted now."""

    code = serializers.CharField()
    detail = serializers.CharField(source="message")


class OfferShape(serializers.Serializer[OfferOption]):
    """One offer of the live scale on one incident."""

    id = serializers.IntegerField(source="offer.pk")
    kind = serializers.ChoiceField(source="offer.kind", choices=OfferKind.choices)
    name = serializers.CharField(source="offer.name")
    terms = serializers.CharField(source="offer.terms")
    basis = serializers.ChoiceField(source="offer.basis", choices=Basis.choices)
    is_statutory = serializers.BooleanField(source="offer.is_statutory")
    gives_coupon = serializers.BooleanField(source="offer.gives_coupon")
    validity_days = serializers.IntegerField(source="offer.validity_days")
    minimum_minor = serializers.IntegerField()
    default_minor = serializers.IntegerField()
    maximum_minor = serializers.IntegerField()
    expected_cost_minor = serializers.IntegerField(
        help_text="What finance expects the default amount to cost."
    )
    approval_from_minor = serializers.IntegerField(
        source="offer.approval_from_minor", allow_null=True
    )
    needs_approval = serializers.BooleanField()
    alone_minor = serializers.IntegerField(
        help_text="The most that the caller may grant alone; below the minimum: nothing."
    )
    most_minor = serializers.IntegerField(
        help_text="The most that can be given with a second person's approval."
    )
    requestable = serializers.BooleanField(
        help_text="Whether approval can be asked for what is above `alone_minor`."
    )
    room = RoomShape(allow_null=True, help_text="The tightest amount limit.")
    rooms = RoomShape(many=True, help_text="Every limit that counts this offer.")
    refusal = RefusalShape(allow_null=True)
    already_granted = serializers.UUIDField(
        source="already.pk", allow_null=True, default=None, help_text="The compensation, if any."
    )


class OffersShape(serializers.Serializer[Any]):
    """The offers that the live scale allows on one incident; none in a hole of the scale."""

    incident = serializers.CharField()
    currency = serializers.CharField()
    scale_version = serializers.IntegerField(allow_null=True)
    offers = OfferShape(many=True)


class GrantRequest(StrictSerializer):
    """Without `amount_minor`: the offer's default; without `channel`: the customer's own.

    With `reason`, what the caller may not grant alone becomes a request for a second person.
    """

    offer = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    amount_minor = serializers.IntegerField(required=False, min_value=0, max_value=MAX_MINOR)
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    reason = serializers.CharField(max_length=REASON_LENGTH, required=False)


class VoidRequest(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class CouponShape(serializers.Serializer[Coupon]):
    """What staff may know of a coupon. The code is nobody's but the customer's."""

    state = serializers.ChoiceField(choices=CouponState.choices)
    last_four = serializers.CharField()
    value_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class WaitingShape(serializers.Serializer[Approval]):
    """The last approval of what was requested: where it waits, or how it ended."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=ApprovalState.choices)
    level = serializers.IntegerField(help_text="1: a supervisor decides; 2: finance.")
    waits_for = serializers.SerializerMethodField()
    lapses_at = serializers.DateTimeField()

    @extend_schema_field(
        serializers.ChoiceField(choices=["supervisors", "finance"], allow_null=True)
    )
    def get_waits_for(self, row: Approval) -> str | None:
        if row.state != ApprovalState.PENDING:
            return None
        return "finance" if row.level == FINANCE_LEVEL else "supervisors"


class CompensationShape(serializers.Serializer[Compensation]):
    """A compensation as it stands."""

    id = serializers.UUIDField()
    market = serializers.CharField(source="market.code")
    incident = serializers.CharField(source="incident.folio")
    customer = serializers.UUIDField(source="customer_id")
    offer = serializers.IntegerField(source="offer_id")
    name = serializers.CharField(source="offer.name")
    kind = serializers.ChoiceField(choices=OfferKind.choices)
    state = serializers.ChoiceField(choices=CompensationState.choices)
    is_statutory = serializers.BooleanField()
    face_minor = serializers.IntegerField()
    expected_cost_minor = serializers.IntegerField()
    currency = serializers.CharField()
    scale_version = serializers.IntegerField(source="version.number")
    category = serializers.CharField(source="category.code")
    severity = serializers.ChoiceField(choices=Severity.choices)
    granted_by = serializers.CharField(source="granted_by.username")
    issued_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    void_reason = serializers.CharField()
    reissue_of = serializers.UUIDField(source="reissue_of_id", allow_null=True)
    coupon = serializers.SerializerMethodField()
    approval = serializers.SerializerMethodField()

    @extend_schema_field(WaitingShape(allow_null=True))
    def get_approval(self, row: Compensation) -> dict[str, Any] | None:
        decisions: list[Approval] = getattr(row, "decisions", [])
        return shown(WaitingShape, decisions[0]) if decisions else None

    @extend_schema_field(CouponShape(allow_null=True))
    def get_coupon(self, row: Compensation) -> dict[str, Any] | None:
        coupon = getattr(row, "coupon", None)
        return None if coupon is None else shown(CouponShape, coupon)


# --- approvals ---------------------------------------------------------------------------------


class AskedShape(serializers.Serializer[Compensation]):
    """What was asked for."""

    id = serializers.UUIDField()
    incident = serializers.CharField(source="incident.folio")
    customer = serializers.UUIDField(source="customer_id")
    name = serializers.CharField(source="offer.name")
    kind = serializers.ChoiceField(choices=OfferKind.choices)
    state = serializers.ChoiceField(choices=CompensationState.choices)
    is_statutory = serializers.BooleanField()
    face_minor = serializers.IntegerField()
    expected_cost_minor = serializers.IntegerField()
    currency = serializers.CharField()
    scale_version = serializers.IntegerField(source="version.number")
    category = serializers.CharField(source="category.code")
    severity = serializers.ChoiceField(choices=Severity.choices)
    team = serializers.CharField(source="team.name", allow_null=True, default=None)


class ApprovalShape(WaitingShape):
    """A request for a second person, and its decision."""

    market = serializers.CharField(source="market.code")
    compensation = AskedShape()
    reason = serializers.CharField()
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField(source="requested_by.username")
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField(source="decided_by.username", allow_null=True, default=None)
    decision_reason = serializers.CharField(
        help_text="The decider's words; of a lapsed one: time, case, scale, resolved, requester."
    )
    closed_at = serializers.DateTimeField(
        allow_null=True, help_text="When it ended without a decision."
    )
    why_not = RefusalShape(
        allow_null=True, default=None, help_text="Why the caller cannot decide it; null: they can."
    )


class DecideRequest(StrictSerializer):
    """`reason` is needed to reject and kept with every decision."""

    decision = serializers.ChoiceField(choices=["approve", "reject", "pass_up"])
    reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True)


class Nothing(StrictSerializer):
    """An act that needs no words."""


# --- tills -------------------------------------------------------------------------------------


class CodeRequest(StrictSerializer):
    """`code` as typed or scanned: case, spaces and hyphens do not matter."""

    code = serializers.CharField(max_length=CODE_LENGTH)
    location = serializers.CharField(
        max_length=LOCATION_LENGTH, required=False, help_text="Code of the till's location."
    )


class RedeemRequest(CodeRequest):
    """`amount_minor` uses part of a gift card; left out, all of the balance."""

    external_transaction_id = serializers.CharField(
        max_length=TRANSACTION_LENGTH, help_text="Your own number of the sale; unique for ever."
    )
    amount_minor = serializers.IntegerField(required=False, min_value=1, max_value=MAX_MINOR)


class ReverseRequest(StrictSerializer):
    """`external_transaction_id` is that of the redemption to undo."""

    code = serializers.CharField(max_length=CODE_LENGTH, required=False)
    external_transaction_id = serializers.CharField(max_length=TRANSACTION_LENGTH)
    location = serializers.CharField(
        max_length=LOCATION_LENGTH, required=False, help_text="Code of the till's location."
    )
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ReserveRequest(CodeRequest):
    minutes = serializers.IntegerField(default=10, min_value=1, max_value=30)


class ValidatedShape(serializers.Serializer[CouponView]):
    """A coupon that can be redeemed here and now."""

    name = serializers.SerializerMethodField()
    terms = serializers.SerializerMethodField()
    last_four = serializers.CharField()
    currency = serializers.CharField()
    value_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField()
    keeps_balance = serializers.BooleanField(help_text="A gift card: part of it can be used.")
    expires_at = serializers.DateTimeField()
    usable_here = serializers.SerializerMethodField()

    def get_name(self, view: CouponView) -> str:
        return in_reader_language(view.name_es, view.name_en)

    def get_terms(self, view: CouponView) -> str:
        return in_reader_language(view.terms_es, view.terms_en)

    def get_usable_here(self, view: CouponView) -> bool:
        return True


class RedemptionShape(serializers.Serializer[Redemption]):
    """A use of a coupon, and until when it can be undone."""

    id = serializers.UUIDField()
    external_transaction_id = serializers.CharField()
    last_four = serializers.CharField(source="coupon.last_four")
    amount_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField(source="coupon.balance_minor")
    currency = serializers.CharField()
    location = serializers.SerializerMethodField()
    redeemed_at = serializers.DateTimeField(source="created_at")
    undo_until = serializers.SerializerMethodField()

    def get_location(self, row: Redemption) -> str | None:
        return row.location.code if row.location else None

    def get_undo_until(self, row: Redemption) -> dt.datetime:
        return row.created_at + dt.timedelta(minutes=row.market.undo_minutes)


def _moment_in_sql(moment: str) -> str:
    return f"""to_char(({moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


# `RedemptionShape` as `redeem_and_answer` stores it, of what that has at hand; a test holds the two
# against each other.
REDEMPTION_IN_SQL = f"""(
    SELECT row_to_json(shape) FROM (SELECT
        %(redemption)s::uuid AS id,
        %(external)s::text AS external_transaction_id,
        used.last_four AS last_four,
        used.amount AS amount_minor,
        used.balance_minor AS balance_minor,
        used.currency AS currency,
        NULLIF(%(location)s::text, '') AS location,
        {_moment_in_sql("used.created_at")} AS redeemed_at,
        {_moment_in_sql("used.created_at + make_interval(mins => %(undo_minutes)s)")} AS undo_until
    ) AS shape
)"""  # noqa: S608  every part is written here


class ReversalShape(serializers.Serializer[Reversal]):
    """A redemption undone."""

    redemption = serializers.UUIDField(source="redemption_id")
    external_transaction_id = serializers.CharField()
    last_four = serializers.CharField(source="redemption.coupon.last_four")
    amount_minor = serializers.IntegerField(source="redemption.amount_minor")
    balance_minor = serializers.IntegerField(source="redemption.coupon.balance_minor")
    currency = serializers.CharField(source="redemption.currency")
    reversed_at = serializers.DateTimeField(source="created_at")


class ReservationShape(serializers.Serializer[Coupon]):
    """A coupon held for one client for some minutes."""

    last_four = serializers.CharField()
    currency = serializers.CharField()
    balance_minor = serializers.IntegerField()
    state = serializers.ChoiceField(choices=CouponState.choices)
    reserved_until = serializers.DateTimeField(allow_null=True)
