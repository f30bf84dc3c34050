"""Reading the audit trail."""

import uuid

from django.db.models import Q, QuerySet

from .models import AuditEvent


def about(object_id: uuid.UUID | str) -> QuerySet[AuditEvent]:
    """Every row of one object or filed under it, oldest first."""
    key = str(object_id)
    return AuditEvent.objects.filter(Q(object_id=key) | Q(about_id=key)).order_by("id")
