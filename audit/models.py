"""The append-only record of every privileged change.

Rows hold no foreign keys, so that they outlive what they speak of. The database refuses to change
or remove them, and the running role has no right to. What a seal covers and how is in `chain.py`.
"""

from django.db import models
from django.db.models.functions import Now

from .functions import WritingTransaction
from .states import ActorKind


class AuditEvent(models.Model):
    """Who did what to which object, when and why. Holds no secret and no full contact."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=20, blank=True)
    act = models.CharField(max_length=60)
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    # The object whose timeline shows this row, where it is another one (an incident, mostly).
    about_id = models.CharField(max_length=40, blank=True)
    market_code = models.CharField(max_length=12, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    # Rows are sealed in the order of their transactions. Written by the database alone; 0 is what
    # came before seals.
    txid = models.BigIntegerField(db_default=WritingTransaction())

    class Meta:
        indexes = [
            models.Index(fields=["txid", "id"], name="audit_order"),
            models.Index(fields=["object_id", "id"], name="audit_object"),
            models.Index(
                fields=["about_id", "id"],
                name="audit_about",
                condition=~models.Q(about_id=""),
            ),
            models.Index(fields=["actor_id", "id"], name="audit_actor"),
            models.Index(fields=["market_code", "id"], name="audit_market"),
            models.Index(fields=["at", "id"], name="audit_time"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.object_kind} {self.object_id}"


class Seal(models.Model):
    """One link of the chain over the trail; see `chain.py` for what each part is made of.

    Covers the rows whose (txid, id) lie from `from_txid, from_id` on and before
    `until_txid, until_id`; the next seal begins where this one ends.
    """

    number = models.BigIntegerField(primary_key=True)  # from 1, without gaps
    form = models.SmallIntegerField()
    at = models.DateTimeField()
    from_txid = models.BigIntegerField()
    from_id = models.BigIntegerField()
    until_txid = models.BigIntegerField()
    until_id = models.BigIntegerField()
    rows = models.IntegerField()
    digest = models.BinaryField(max_length=32)
    leaves = models.BinaryField()
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=40)
    signature = models.BinaryField(max_length=64)

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealHead(models.Model):
    """The last seal's number and hash, kept by a trigger: shows that seals were taken away.

    One row. The running role reads it only.
    """

    id = models.SmallIntegerField(primary_key=True)
    number = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"up to seal {self.number}"
