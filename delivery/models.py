"""The outbox: messages, each try at a provider, and what the provider later said.

A message knows no incident and no coupon: `topic` and `ref` are handed to the renderer that a
higher app registered, at the moment of sending, so that neither text nor code nor full address is
stored here. The address is pinned by its fingerprint: a corrected one never gets an older message.
"""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Market
from accounts.states import Language
from common.ids import uuid7

from .states import AttemptOutcome, Channel, MessageState


class Message(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Held by a trigger, without locking the market as a foreign key does.
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    topic = models.CharField(max_length=40)
    ref = models.UUIDField()
    # What the thing's timeline is filed under, for reading only (an incident, mostly).
    about = models.UUIDField(null=True)
    channel = models.CharField(max_length=10, choices=Channel)
    language = models.CharField(max_length=2, choices=Language)
    # The contact point's id and the fingerprint of its value when the message was queued.
    contact = models.UUIDField(null=True)
    address_fingerprint = models.BinaryField(max_length=32, null=True)
    address_masked = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # How many of them were made before a person's last replay: only later ones count as tries.
    attempts_before = models.PositiveSmallIntegerField(default=0)
    resend_of = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="resends", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    # While `sending`: the moment after which another worker may take the message over.
    claimed_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["ref", "created_at"], name="message_ref"),
            models.Index(fields=["about", "created_at"], name="message_about"),
            models.Index(
                fields=["due_at"],
                name="message_due",
                condition=models.Q(state__in=["queued", "sending", "unknown"]),
            ),
            models.Index(
                fields=["contact"],
                name="message_contact_waiting",
                condition=models.Q(state="queued"),
            ),
            # Few messages are sent again; the others have no entry here.
            models.Index(
                fields=["resend_of"],
                name="message_resend_of",
                condition=models.Q(resend_of__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.channel} {self.state}"


class Attempt(models.Model):
    """One try. Written before the provider is called, completed after."""

    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, related_name="tries", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=30)
    outcome = models.CharField(
        max_length=10, choices=AttemptOutcome, default=AttemptOutcome.STARTED
    )
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    provider_reference = models.CharField(max_length=200, blank=True)
    # A short machine word such as `connection_refused` or `smtp_451`; never the provider's text,
    # which may quote an address.
    error = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="attempt_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.number} {self.outcome}"


class Receipt(models.Model):
    """A provider's later word on a message; signed, fresh, taken once."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="receipts")
    provider = models.CharField(max_length=30)
    event_id = models.CharField(max_length=128)
    state = models.CharField(max_length=10, choices=MessageState)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="receipt_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"
