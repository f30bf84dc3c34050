"""Looking up the audit trail, by auditors, in their markets."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin, name_models

from .models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    market_path = None
    search_fields = ("=object_id", "=about_id", "=actor_id", "=request_id")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        # The rows name their market by its code; roles are rows of an app above this one.
        grants = request.user.role_grants  # type: ignore[union-attr]
        codes = grants.filter(ended_at=None, role__in=self.readers).values("market__code")
        return super().get_queryset(request).filter(market_code__in=codes)


name_models(
    {
        AuditEvent: (_("audit event"), _("audit events")),
    }
)
