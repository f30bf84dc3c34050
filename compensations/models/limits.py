"""Issuance limits and the guarded counters that hold them.

A counter is one kind of limit, one subject and one window; `used` grows only by an UPDATE that also
checks the cap in force, and shrinks only by the stored uses of one compensation, once.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff, Team
from accounts.states import Role
from incidents.states import Segment

from ..states import LimitScope, LimitState, LimitWindow, Measure


class IssuanceLimit(models.Model):
    """How much (minor units) or how many, in which window, for whom.

    Without a target the limit holds for each subject of its scope; with one it replaces the general
    one of the same scope, window and measure for that person, team, role or segment.
    """

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="limits")
    scope = models.CharField(max_length=10, choices=LimitScope)
    window = models.CharField(max_length=6, choices=LimitWindow)
    measure = models.CharField(max_length=6, choices=Measure)
    cap = models.BigIntegerField(_("cap"))
    for_staff = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    for_team = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="+")
    for_role = models.CharField(max_length=20, choices=Role, blank=True)
    for_segment = models.CharField(max_length=10, choices=Segment, blank=True)
    state = models.CharField(max_length=10, choices=LimitState, default=LimitState.PROPOSED)
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    # The first limit of this market, scope, window and measure, found by a trigger: all of them
    # count in its counters, so that what was used stays used whichever of them holds.
    counts_in = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
        db_constraint=False,
    )
    reason = models.CharField(max_length=300, blank=True)
    proposed_at = models.DateTimeField(db_default=Now())
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    # When and by whom it stopped holding: replaced, lifted, or withdrawn before it ever held.
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "market",
                    "scope",
                    "window",
                    "measure",
                    "for_staff",
                    "for_team",
                    "for_role",
                    "for_segment",
                ],
                condition=models.Q(state="in_force"),
                name="limit_one_in_force",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["market", "scope", "window", "measure"],
                condition=models.Q(counts_in=models.F("id")),
                name="limit_one_first_of_its_kind",
            ),
            models.CheckConstraint(name="limit_cap_not_negative", condition=models.Q(cap__gte=0)),
            models.CheckConstraint(
                name="limit_decided_has_both",
                condition=models.Q(decided_at=None, decided_by=None)
                | models.Q(decided_at__isnull=False, decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="limit_takes_two_people",
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("proposed_by")),
            ),
            models.CheckConstraint(
                name="limit_in_force_is_decided",
                condition=models.Q(state__in=["proposed", "withdrawn"], decided_by=None)
                | (
                    ~models.Q(state__in=["proposed", "withdrawn"])
                    & models.Q(decided_by__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="limit_end_has_both",
                condition=models.Q(ended_at=None, ended_by=None)
                | models.Q(
                    state__in=["withdrawn", "retired"],
                    ended_at__isnull=False,
                    ended_by__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="limit_nobody_sets_own",
                condition=models.Q(for_staff=None)
                | (
                    ~models.Q(proposed_by=models.F("for_staff"))
                    & (models.Q(decided_by=None) | ~models.Q(decided_by=models.F("for_staff")))
                ),
            ),
            models.CheckConstraint(
                name="limit_target_fits_scope",
                condition=(models.Q(for_staff=None) | models.Q(scope__in=["agent", "grant"]))
                & (models.Q(for_team=None) | models.Q(scope="team"))
                & (models.Q(for_role="") | models.Q(scope__in=["role", "grant"]))
                & (models.Q(for_segment="") | models.Q(scope="customer")),
            ),
            models.CheckConstraint(
                name="limit_grant_is_each_amount",
                condition=~models.Q(scope="grant") | models.Q(window="each", measure="amount"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.window} {self.measure}"


class LimitCounter(models.Model):
    # The first of its kind (`IssuanceLimit.counts_in`), looked at with each use by
    # `guard_limit_use`; what was never used counts nothing.
    limit = models.ForeignKey(
        IssuanceLimit,
        on_delete=models.PROTECT,
        related_name="counters",
        db_index=False,
        db_constraint=False,
    )
    # Id of the person, team, market, customer or incident; a role's name.
    subject = models.CharField(max_length=40)
    # First local date of the window; 1970-01-01 for a window that never turns (each incident).
    starts_on = models.DateField()
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["limit", "subject", "starts_on"], name="counter_once_per_window"
            ),
            models.CheckConstraint(
                name="counter_used_not_negative", condition=models.Q(used__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.limit_id} {self.subject} {self.starts_on}"


class LimitUse(models.Model):
    """What one compensation took from counters in one act; given back at most once.

    A place in the four lists is a counter and how much was taken from it, in the order in which
    counters are locked.
    """

    # Held by a trigger, as is that the lists are of one length, and the limits firsts of a kind.
    compensation = models.ForeignKey(
        "compensations.Compensation",
        on_delete=models.PROTECT,
        related_name="limit_uses",
        db_constraint=False,
    )
    limits = ArrayField(models.BigIntegerField())
    subjects = ArrayField(models.CharField(max_length=40))
    starts_on = ArrayField(models.DateField())
    quantities = ArrayField(models.BigIntegerField())
    released_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.compensation_id} {self.limits}"
