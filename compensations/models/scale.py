"""The finance-approved catalogue: versions, rules and offers.

A version that left draft never changes, and a market that ever had a live version has exactly one
at every commit; both are held by triggers in the migrations.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff
from incidents.models import Category
from incidents.models.guidance import in_reader_language
from incidents.states import Segment, Severity

from ..states import COUPON_KINDS, Basis, OfferKind, ScaleState


def _did_not_write(person: str) -> IsNull:
    """Whether the person in this column is none of the version's editors."""
    return IsNull(
        models.Func(
            models.F("editors"),
            models.F(person),
            function="array_position",
            output_field=models.IntegerField(),
        ),
        True,
    )


class ScaleVersion(models.Model):
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="scales")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=ScaleState, default=ScaleState.DRAFT)
    based_on = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    author = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    # Ids of everybody who changed or submitted it; like the author, they decide nothing about it.
    editors = ArrayField(models.UUIDField(), default=list, db_default=[], blank=True)
    created_at = models.DateTimeField(db_default=Now())
    submitted_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    # A large change takes two approvers; decided from the difference when it is submitted.
    needs_second = models.BooleanField(default=False)
    second_approved_at = models.DateTimeField(null=True)
    second_approved_by = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # The last time a reviewer sent it back to its author, and why.
    returned_at = models.DateTimeField(null=True)
    returned_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    return_reason = models.CharField(max_length=500, blank=True)
    # Grows with every edit of the draft; an edit that carries an older one is stale.
    revision = models.PositiveIntegerField(default=0)
    # Half-open range in force; `effective_from` is planned until it is live, then a fact.
    effective_from = models.DateTimeField(null=True)
    effective_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["market", "number"], name="scale_number_in_market"),
            models.UniqueConstraint(
                fields=["market"], condition=models.Q(state="live"), name="scale_one_live"
            ),
            models.CheckConstraint(
                name="scale_author_is_not_approver",
                condition=models.Q(approved_by=None) | ~models.Q(approved_by=models.F("author")),
            ),
            models.CheckConstraint(
                name="scale_editor_is_not_approver", condition=_did_not_write("approved_by")
            ),
            models.CheckConstraint(
                name="scale_editor_is_not_second_approver",
                condition=_did_not_write("second_approved_by"),
            ),
            models.CheckConstraint(
                name="scale_approval_has_both",
                condition=models.Q(approved_at=None, approved_by=None)
                | models.Q(approved_at__isnull=False, approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="scale_published_is_approved",
                condition=~models.Q(state__in=["scheduled", "live", "retired"])
                | models.Q(approved_by__isnull=False, effective_from__isnull=False),
            ),
            models.CheckConstraint(
                name="scale_second_approval_has_both",
                condition=models.Q(second_approved_at=None, second_approved_by=None)
                | models.Q(second_approved_at__isnull=False, second_approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="scale_second_approver_is_another",
                condition=models.Q(second_approved_by=None)
                | (
                    ~models.Q(second_approved_by=models.F("author"))
                    & ~models.Q(second_approved_by=models.F("approved_by"))
                ),
            ),
            models.CheckConstraint(
                name="scale_large_change_has_second",
                condition=~models.Q(state__in=["scheduled", "live", "retired"])
                | models.Q(needs_second=False)
                | models.Q(second_approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="scale_return_has_person_and_reason",
                condition=models.Q(returned_at=None, returned_by=None, return_reason="")
                | (
                    models.Q(returned_at__isnull=False, returned_by__isnull=False)
                    & ~models.Q(return_reason="")
                    & ~models.Q(returned_by=models.F("author"))
                ),
            ),
            models.CheckConstraint(
                name="scale_until_only_retired",
                condition=models.Q(state="retired", effective_until__isnull=False)
                | (~models.Q(state="retired") & models.Q(effective_until=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class ScaleRule(models.Model):
    """A cell of the scale. An empty category or segment means any."""

    version = models.ForeignKey(ScaleVersion, on_delete=models.CASCADE, related_name="rules")
    category = models.ForeignKey(Category, null=True, on_delete=models.PROTECT, related_name="+")
    severity = models.CharField(max_length=10, choices=Severity)
    segment = models.CharField(max_length=10, choices=Segment, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "category", "severity", "segment"],
                name="rule_once_per_cell",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.category_id} {self.severity} {self.segment}"


class Offer(models.Model):
    """One option of a rule.

    With a fixed basis `minimum`, `default` and `maximum` are minor units; with a percent basis they
    are basis points of the amount at stake, and `cap_minor` bounds the result.
    """

    rule = models.ForeignKey(ScaleRule, on_delete=models.CASCADE, related_name="offers")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(_("kind"), max_length=15, choices=OfferKind)
    name_es = models.CharField(_("name in Spanish"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80)
    terms_es = models.CharField(_("terms in Spanish"), max_length=400, blank=True)
    terms_en = models.CharField(_("terms in English"), max_length=400, blank=True)
    basis = models.CharField(max_length=8, choices=Basis, default=Basis.FIXED)
    minimum = models.BigIntegerField()
    default = models.BigIntegerField()
    maximum = models.BigIntegerField()
    cap_minor = models.BigIntegerField(null=True)
    expected_cost_bp = models.PositiveIntegerField(_("expected cost, basis points of face value"))
    validity_days = models.PositiveSmallIntegerField(_("validity in days"))
    # Codes of the locations where it can be used; empty means every one of the market.
    usable_at = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    # The same customer may get it this many times in this many days; 0 means no bound.
    per_customer = models.PositiveSmallIntegerField(default=0)
    per_customer_days = models.PositiveSmallIntegerField(default=0)
    approval_from_minor = models.BigIntegerField(null=True)
    is_statutory = models.BooleanField(_("owed by law"), default=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "position"], name="offer_position_once"),
            models.CheckConstraint(
                name="offer_range_in_order",
                condition=models.Q(
                    minimum__gte=0,
                    default__gte=models.F("minimum"),
                    maximum__gte=models.F("default"),
                ),
            ),
            models.CheckConstraint(
                name="offer_percent_has_cap",
                condition=models.Q(basis="fixed", cap_minor=None)
                | models.Q(basis="percent", cap_minor__gt=0),
            ),
            models.CheckConstraint(
                name="offer_validity_bounded", condition=models.Q(validity_days__range=(1, 1825))
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_reader_language(self.name_es, self.name_en)

    @property
    def terms(self) -> str:
        return in_reader_language(self.terms_es, self.terms_en)

    @property
    def key(self) -> str:
        """What the offer is, the same in every version of the scale: its kind and Spanish name."""
        return f"{self.kind}:{self.name_es}"

    @property
    def gives_coupon(self) -> bool:
        return self.kind in COUPON_KINDS
