"""The words and the arrows of the scale, limits, compensations, approvals and coupons."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.states import arrows


class ScaleState(TextChoices):
    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    SCHEDULED = "scheduled", _("Scheduled")
    LIVE = "live", _("Live")
    RETIRED = "retired", _("Retired")


SCALE_TRANSITIONS = arrows(
    {
        "draft": "in_review",
        "in_review": "scheduled draft",
        "scheduled": "live",
        "live": "retired",
    }
)


class OfferKind(TextChoices):
    DISCOUNT = "discount", _("Discount")
    COUPON = "coupon", _("Coupon")
    COURTESY = "courtesy", _("Courtesy item")
    GIFT_CARD = "gift_card", _("Gift card")
    PARTIAL_REFUND = "partial_refund", _("Partial refund")
    FULL_REFUND = "full_refund", _("Full refund")
    POINTS = "points", _("Points")
    CREDIT = "credit", _("Credit")
    MILES = "miles", _("Miles")
    INVITATION = "invitation", _("Invitation")
    GESTURE = "gesture", _("Gesture")
    MANAGER_CALL = "manager_call", _("Manager's call")
    LETTER = "letter", _("Letter")


# Kinds that reach the customer as a single-use code; a gift card keeps a balance.
COUPON_KINDS = frozenset({"discount", "coupon", "courtesy", "gift_card", "invitation"})
REFUND_KINDS = frozenset({"partial_refund", "full_refund"})


class Basis(TextChoices):
    FIXED = "fixed", _("Fixed amount")
    PERCENT = "percent", _("Share of the amount at stake")


class LimitScope(TextChoices):
    GRANT = "grant", _("One grant")
    AGENT = "agent", _("Agent")
    ROLE = "role", _("Role")
    TEAM = "team", _("Team budget")
    MARKET = "market", _("Market")
    CUSTOMER = "customer", _("Customer")
    INCIDENT = "incident", _("Incident")


class LimitWindow(TextChoices):
    EACH = "each", _("Each")
    DAY = "day", _("Day")
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")


class Measure(TextChoices):
    AMOUNT = "amount", _("Amount")
    COUNT = "count", _("Count")


class LimitState(TextChoices):
    PROPOSED = "proposed", pgettext_lazy("limit", "Proposed")
    IN_FORCE = "in_force", pgettext_lazy("limit", "In force")
    REJECTED = "rejected", pgettext_lazy("limit", "Rejected")
    WITHDRAWN = "withdrawn", pgettext_lazy("limit", "Withdrawn")
    RETIRED = "retired", pgettext_lazy("limit", "Retired")


LIMIT_TRANSITIONS = arrows({"proposed": "in_force rejected withdrawn", "in_force": "retired"})


class CompensationState(TextChoices):
    REQUESTED = "requested", pgettext_lazy("compensation", "Requested")
    ISSUED = "issued", pgettext_lazy("compensation", "Issued")
    SETTLED = "settled", pgettext_lazy("compensation", "Settled")
    VOIDED = "voided", pgettext_lazy("compensation", "Voided")
    EXPIRED = "expired", pgettext_lazy("compensation", "Expired")
    REJECTED = "rejected", pgettext_lazy("compensation", "Rejected")
    WITHDRAWN = "withdrawn", pgettext_lazy("compensation", "Withdrawn")
    LAPSED = "lapsed", pgettext_lazy("compensation", "Lapsed")


# settled -> issued is a redemption undone inside its window.
COMPENSATION_TRANSITIONS = arrows(
    {
        "requested": "issued rejected withdrawn lapsed",
        "issued": "settled voided expired",
        "settled": "issued",
    }
)


# The states of what a customer has or may still get: an offer is not given again beside them.
HOLDING = (CompensationState.REQUESTED, CompensationState.ISSUED, CompensationState.SETTLED)
# The states of what a customer has.
GIVEN = (CompensationState.ISSUED, CompensationState.SETTLED)


class CouponState(TextChoices):
    ISSUED = "issued", pgettext_lazy("coupon", "Valid")
    RESERVED = "reserved", pgettext_lazy("coupon", "Reserved")
    REDEEMED = "redeemed", pgettext_lazy("coupon", "Redeemed")
    VOIDED = "voided", pgettext_lazy("coupon", "Voided")
    EXPIRED = "expired", pgettext_lazy("coupon", "Expired")


# redeemed -> issued is a reversal inside its window; past the date it expires afterwards.
COUPON_TRANSITIONS = arrows(
    {
        "issued": "reserved redeemed voided expired",
        "reserved": "issued redeemed voided expired",
        "redeemed": "issued",
    }
)


# The topic of the message that a compensation sends through the outbox.
TOPIC = "compensation.granted"


class ApprovalState(TextChoices):
    PENDING = "pending", pgettext_lazy("request", "Waiting")
    APPROVED = "approved", pgettext_lazy("request", "Approved")
    REJECTED = "rejected", pgettext_lazy("request", "Rejected")
    WITHDRAWN = "withdrawn", pgettext_lazy("request", "Withdrawn")
    LAPSED = "lapsed", pgettext_lazy("request", "Lapsed")


class LapseReason(TextChoices):
    """Why a request ended without a person; kept as the approval's `decision_reason`."""

    TIME = "time", _("nobody decided it in time")
    CASE = "case", _("the case changed since it was asked")
    SCALE = "scale", _("another version of the scale went live")
    RESOLVED = "resolved", _("the case is no longer open")
    REQUESTER = "requester", _("who asked no longer grants here")


# After these whoever asked can ask for the same again.
ASKED_AGAIN = (LapseReason.TIME, LapseReason.CASE, LapseReason.SCALE)
APPROVAL_TRANSITIONS = arrows({"pending": "approved rejected withdrawn lapsed"})


class Account(TextChoices):
    GOODWILL = "goodwill_expense", _("Goodwill expense")
    STATUTORY = "statutory_expense", _("Statutory expense")
    LIABILITY = "outstanding_liability", _("Outstanding liability")
    REFUNDS = "refunds_payable", _("Refunds payable")
    CLEARING = "redemption_clearing", _("Redemption clearing")
    BREAKAGE = "breakage", _("Breakage")


class LedgerEvent(TextChoices):
    ISSUE = "issue", _("Issue")
    REDEEM = "redeem", _("Redemption")
    REVERSE = "reverse", _("Reversal")
    VOID = "void", _("Void")
    EXPIRE = "expire", _("Expiry")
