"""Reading the audit trail."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from .models import AuditEvent, Seal

# Rows without a seal are counted up to here: what a minute brings is far less.
MOST_WAITING = 10_000


def about(object_id: uuid.UUID | str) -> QuerySet[AuditEvent]:
    """Every row of one object or filed under it, oldest first."""
    key = str(object_id)
    return AuditEvent.objects.filter(Q(object_id=key) | Q(about_id=key)).order_by("id")


@dataclass(frozen=True, slots=True)
class Sealing:
    """How far the seals go. `waiting` counts the rows without one, up to a bound."""

    number: int | None
    at: dt.datetime | None
    waiting: int
    oldest: dt.datetime | None

    @property
    def more(self) -> bool:
        """Whether more rows wait than were counted."""
        return self.waiting > MOST_WAITING


def sealing() -> Sealing:
    """The last seal and what has come since."""
    last = Seal.objects.order_by("-number").values("number", "at", "until_txid", "until_id").first()
    begin = (last["until_txid"], last["until_id"]) if last else (0, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at FROM audit_auditevent WHERE (txid, id) >= (%s, %s) "
            "ORDER BY txid, id LIMIT %s",
            [*begin, MOST_WAITING + 1],
        )
        moments = [at for (at,) in cursor.fetchall()]
    return Sealing(
        number=last["number"] if last else None,
        at=last["at"] if last else None,
        waiting=len(moments),
        oldest=moments[0] if moments else None,
    )
