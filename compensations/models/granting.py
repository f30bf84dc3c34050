"""The compensation, and the decision on a request for one."""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Location, Market, Staff, Team
from common.ids import uuid7
from incidents.models import Category, Customer, Incident
from incidents.states import ContactChannel, Severity

from ..conditions import IssuedHasMoment, VoidHasPersonAndReason
from ..states import ApprovalState, CompensationState, OfferKind
from .scale import Offer, ScaleRule, ScaleVersion


class Compensation(models.Model):
    """One offer granted on one incident to one customer, pinned to the scale version and rule.

    Category, severity, team and location are the incident's at that moment: reports count what was
    decided then, whatever is corrected later.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Keys without an index of their own begin one below, or nothing is ever looked up by them. All
    # but the last two are held by a statement trigger: an incident with its market, customer,
    # category and location, an offer of a published version with its rule, and who granted it.
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        related_name="compensations",
        db_index=False,
        db_constraint=False,
    )
    customer = models.ForeignKey(
        Customer,
        on_delete=models.PROTECT,
        related_name="compensations",
        db_index=False,
        db_constraint=False,
    )
    version = models.ForeignKey(
        ScaleVersion,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    rule = models.ForeignKey(
        ScaleRule, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    offer = models.ForeignKey(
        Offer, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    # What the offer is, whatever version it is of; held by the same trigger. Where a writer leaves
    # it out the database fills it in from the offer.
    offer_key = models.CharField(max_length=120, db_default="")
    kind = models.CharField(max_length=15, choices=OfferKind)
    is_statutory = models.BooleanField()
    face_minor = models.BigIntegerField()
    expected_cost_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(
        max_length=10, choices=CompensationState, default=CompensationState.ISSUED
    )
    granted_by = models.ForeignKey(
        Staff, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    team = models.ForeignKey(
        Team,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    location = models.ForeignKey(
        Location,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    severity = models.CharField(max_length=10, choices=Severity)
    # How the case came in; empty only for rows older than the column.
    channel = models.CharField(max_length=10, choices=ContactChannel, blank=True, db_default="")
    # By which channel a request is to be delivered once approved; empty for the customer's own.
    send_by = models.CharField(max_length=10, choices=ContactChannel, blank=True, db_default="")
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    void_reason = models.CharField(max_length=300, blank=True)
    reissue_of = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="reissued_as"
    )

    class Meta:
        indexes = [
            models.Index(fields=["market", "-id"], name="compensation_page"),
            models.Index(fields=["customer", "-id"], name="compensation_customer"),
            models.Index(fields=["incident"], name="compensation_incident"),
            models.Index(fields=["granted_by", "-id"], name="compensation_agent"),
            models.Index(fields=["market", "issued_at"], name="compensation_issued"),
            models.Index(
                fields=["expires_at"],
                name="compensation_expiring",
                condition=models.Q(state="issued"),
            ),
            # What is owed, summed and listed by its age, without reading the rows.
            models.Index(
                fields=["market", "issued_at", "id"],
                include=[
                    "kind",
                    "is_statutory",
                    "expires_at",
                    "face_minor",
                    "expected_cost_minor",
                ],
                name="compensation_open",
                condition=models.Q(state="issued"),
            ),
            # What ended on a day; a redemption ends one too, and pays nothing for this.
            models.Index(
                fields=["market", "ended_at"],
                name="compensation_ended",
                condition=models.Q(state__in=["voided", "expired"]),
            ),
        ]
        constraints = [
            # A double click, a retry or a second tab never grants the same offer twice, nor does
            # another version of the scale in which it has another row.
            models.UniqueConstraint(
                fields=["incident", "offer_key"],
                condition=models.Q(state__in=["requested", "issued", "settled"]),
                name="compensation_offer_once",
            ),
            models.CheckConstraint(
                name="compensation_amounts_not_negative",
                condition=models.Q(face_minor__gte=0, expected_cost_minor__gte=0),
            ),
            models.CheckConstraint(
                name="compensation_issued_has_moment",
                condition=IssuedHasMoment("state", "issued_at"),
            ),
            models.CheckConstraint(
                name="compensation_void_has_person_and_reason",
                condition=VoidHasPersonAndReason("state", "voided_by", "void_reason"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.face_minor} {self.currency}"


class Approval(models.Model):
    """A second person's decision on one request, bound to its exact content by a hash.

    Level 1 is a supervisor's, level 2 finance's. A supervisor who agrees above their authority
    leaves a level 1 that is approved and a level 2 that waits: two people besides who asked.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    compensation = models.ForeignKey(
        Compensation, on_delete=models.PROTECT, related_name="approvals"
    )
    # What was asked, as it stood; the hash is taken over it.
    content = models.JSONField()
    content_hash = models.BinaryField(max_length=32)
    level = models.PositiveSmallIntegerField(default=1)
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=ApprovalState, default=ApprovalState.PENDING)
    requested_at = models.DateTimeField(db_default=Now())
    requested_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    lapses_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    decision_reason = models.CharField(max_length=500, blank=True)
    # When it ended without a decision: withdrawn, or lapsed.
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["market", "level", "requested_at"],
                name="approval_waiting",
                condition=models.Q(state="pending"),
            ),
            models.Index(fields=["market", "-id"], name="approval_page"),
            # What was asked, decided and closed on a day.
            models.Index(fields=["market", "requested_at"], name="approval_requested"),
            models.Index(
                fields=["market", "decided_at"],
                name="approval_decided",
                condition=models.Q(decided_at__isnull=False),
            ),
            models.Index(
                fields=["market", "closed_at"],
                name="approval_closed",
                condition=models.Q(closed_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["compensation"],
                condition=models.Q(state="pending"),
                name="approval_one_pending",
            ),
            models.UniqueConstraint(
                fields=["compensation", "decided_by"],
                condition=models.Q(state="approved"),
                name="approval_two_levels_two_people",
            ),
            models.CheckConstraint(
                name="approval_decided_has_both",
                condition=models.Q(
                    state__in=["approved", "rejected"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    closed_at=None,
                )
                | models.Q(
                    state__in=["withdrawn", "lapsed"],
                    decided_at=None,
                    decided_by=None,
                    closed_at__isnull=False,
                )
                | models.Q(state="pending", decided_at=None, decided_by=None, closed_at=None),
            ),
            models.CheckConstraint(
                name="approval_not_by_requester",
                condition=models.Q(decided_by=None)
                | ~models.Q(decided_by=models.F("requested_by")),
            ),
            models.CheckConstraint(
                name="approval_no_has_reason",
                condition=~models.Q(state="rejected") | ~models.Q(decision_reason=""),
            ),
            models.CheckConstraint(
                name="approval_level_known", condition=models.Q(level__in=[1, 2])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.compensation_id} {self.state}"
