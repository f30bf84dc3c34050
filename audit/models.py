"""The append-only record of every privileged change.

Rows hold no foreign keys, so that they outlive what they speak of. The database refuses to change
or remove them, and the running role has no right to. Seals over ranges of rows come with `verify`.
"""

from django.db import models
from django.db.models.functions import Now

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

    class Meta:
        indexes = [
            models.Index(fields=["object_id", "id"], name="audit_object"),
            models.Index(
                fields=["about_id", "id"],
                name="audit_about",
                condition=~models.Q(about_id=""),
            ),
            models.Index(fields=["actor_id", "id"], name="audit_actor"),
            models.Index(fields=["market_code", "id"], name="audit_market"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.object_kind} {self.object_id}"
