"""When a market's compensations were stopped and resumed, by whom and why: read from the trail."""

from django.db.models import QuerySet

from accounts.models import Market
from audit.models import AuditEvent

STOPPED, RESUMED = "issuance.stopped", "issuance.resumed"


def history(market: Market) -> QuerySet[AuditEvent]:
    """Every use of the switch, newest first."""
    return AuditEvent.objects.filter(
        object_kind="market", object_id=str(market.pk), act__in=[STOPPED, RESUMED]
    ).order_by("-id")
