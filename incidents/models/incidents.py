"""The incident and what hangs from it: notes, promises, recovery steps, drafts, customer links."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiClient, Location, Market, Staff, Team
from common.ids import uuid7

from ..states import (
    ContactChannel,
    IncidentKind,
    IncidentState,
    PromiseKind,
    PromiseState,
    Severity,
    Step,
)
from .customers import Customer, Words
from .guidance import Category


class Stage(models.Func):
    """The database's `incident_stage()`: of a state what `STAGES` says."""

    function = "incident_stage"
    output_field = models.SmallIntegerField()


class Incident(models.Model):
    """One complaint, or one failure found before the complaint. Moments are UTC.

    Lists go by `id`, so an id tells when: its moment is within a day of `logged_at`, by constraint.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Keys without an index of their own are the first column of a page index below.
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    folio = models.CharField(_("folio"), max_length=30, unique=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="incidents", db_index=False
    )
    kind = models.CharField(
        _("kind"), max_length=10, choices=IncidentKind, default=IncidentKind.CLAIM
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    suggested_severity = models.CharField(max_length=10, choices=Severity)
    severity_reason = models.CharField(_("why this severity"), max_length=300, blank=True)
    narrative = models.TextField(_("what happened"), max_length=5000)
    narrative_search = models.GeneratedField(
        expression=Words("narrative"), output_field=SearchVectorField(), db_persist=True
    )
    channel = models.CharField(_("channel"), max_length=10, choices=ContactChannel)
    location = models.ForeignKey(
        Location, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order_ref = models.CharField(_("order"), max_length=60, blank=True)
    amount_at_stake_minor = models.BigIntegerField(_("amount at stake"), null=True, blank=True)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=12, choices=IncidentState, default=IncidentState.OPEN)
    # For indexes, none of which names the state: the first grant on a case that has an owner moves
    # it on, and then writes its row anew and, where its page has room, nothing else.
    stage = models.GeneratedField(
        expression=Stage("state"), output_field=models.SmallIntegerField(), db_persist=True
    )
    owner = models.ForeignKey(
        Staff,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="owned_incidents",
        db_index=False,
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    occurred_at = models.DateTimeField(_("when it happened"), null=True, blank=True)
    logged_at = models.DateTimeField(db_default=Now())
    logged_by = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    logged_by_client = models.ForeignKey(
        ApiClient, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # Clocks: the moments by which to act, and when it was done.
    compensate_due_at = models.DateTimeField(null=True)
    resolve_due_at = models.DateTimeField(null=True)
    compensated_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    resolution = models.CharField(_("how it was resolved"), max_length=500, blank=True)
    # Where the row came from, for imports and intake clients: adds nothing a second time.
    source = models.CharField(max_length=60, blank=True)
    source_ref = models.CharField(max_length=120, blank=True)
    # Grows with every save; a form that carries an older one is stale.
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["market", "-id"], name="incident_page"),
            models.Index(fields=["market", "stage", "-id"], name="incident_stage_page"),
            models.Index(fields=["team", "-id"], name="incident_team_page"),
            models.Index(fields=["owner", "stage", "-id"], name="incident_owner_stage_page"),
            models.Index(fields=["customer", "-id"], name="incident_customer_page"),
            models.Index(fields=["category", "-id"], name="incident_category_page"),
            models.Index(fields=["market", "severity", "-id"], name="incident_severity_page"),
            models.Index(fields=["market", "channel", "-id"], name="incident_channel_page"),
            models.Index(fields=["location", "-id"], name="incident_location_page"),
            GinIndex(fields=["narrative_search"], name="incident_words"),
            models.Index(fields=["market", "logged_at"], name="incident_logged"),
            # What files brought; costs other cases nothing.
            models.Index(
                fields=["market", "-id"],
                name="incident_imported_page",
                condition=models.Q(resolve_due_at__isnull=True),
            ),
            models.Index(
                fields=["logged_by_client", "-id"],
                name="incident_client_page",
                condition=models.Q(logged_by_client__isnull=False),
            ),
            models.Index(
                fields=["market", "order_ref"],
                name="incident_order",
                condition=~models.Q(order_ref=""),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["market", "source", "source_ref"],
                condition=~models.Q(source=""),
                name="incident_source_once",
            ),
            models.CheckConstraint(
                name="incident_amount_positive",
                condition=models.Q(amount_at_stake_minor=None)
                | models.Q(amount_at_stake_minor__gte=0),
            ),
            models.CheckConstraint(
                name="incident_severity_change_has_reason",
                condition=models.Q(severity=models.F("suggested_severity"))
                | ~models.Q(severity_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return self.folio

    @property
    def is_imported(self) -> bool:
        """Whether a file brought it: nobody was at the desk for it, so it alone has no clocks."""
        return self.resolve_due_at is None


class NarrativeWord(models.Model):
    """Every word of letters that a narrative has held, folded; kept by a trigger on incidents.

    It says nothing of who wrote it where: it only tells which words are near a slip.
    """

    word = models.TextField(primary_key=True)

    class Meta:
        indexes = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="narrative_word_trgm"),
        ]

    def __str__(self) -> str:
        return self.word


class Note(models.Model):
    """An internal note on an incident; never edited."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="notes", db_index=False
    )
    author = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    body = models.TextField(max_length=4000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["incident", "created_at"], name="note_incident")]

    def __str__(self) -> str:
        return self.body[:40]


class Promise(models.Model):
    """Something owed to the customer on a date."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="promises")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("what"), max_length=12, choices=PromiseKind)
    due_at = models.DateTimeField(_("by when"))
    owner = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="promises")
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=PromiseState, default=PromiseState.DUE)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(
        Staff, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["owner", "due_at"], name="promise_due", condition=models.Q(state="due")
            ),
            # What was due on a day.
            models.Index(fields=["market", "due_at"], name="promise_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.due_at}"


class RecoveryStep(models.Model):
    """One of the five steps, done. `proof` says what ticked it: an act, or the person."""

    # Held by a trigger, as is who did it.
    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        related_name="steps",
        db_index=False,
        db_constraint=False,
    )
    step = models.CharField(max_length=12, choices=Step)
    done_at = models.DateTimeField(db_default=Now())
    done_by = models.ForeignKey(
        Staff,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    proof = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "step"], name="step_done_once")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.step}"


class IntakeDraft(models.Model):
    """What a member of staff has typed into intake and not saved yet."""

    staff = models.OneToOneField(Staff, on_delete=models.CASCADE, related_name="intake_draft")
    data = models.JSONField(default=dict)
    saved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.staff_id)


class PortalToken(models.Model):
    """A customer's link to one incident. The token itself is derived and stored only hashed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    # What the page opens on, for a page of a higher app (a compensation's id).
    ref = models.UUIDField(null=True)
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["ref"], name="portal_token_ref")]

    def __str__(self) -> str:
        return str(self.pk)
