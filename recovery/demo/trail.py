"""The audit rows of the past, collected in any order and written in the order of their moments."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from audit.actions import Actor
from audit.models import AuditEvent

from .loading import Batch

COLUMNS = (
    "at actor_kind actor_id actor_name role act object_kind object_id about_id market_code "
    "before after reason"
)


class Trail:
    """What happened, for the audit table. Holds no code and no full contact."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def add(
        self,
        at: dt.datetime,
        act: str,
        by: Actor,
        object_kind: str,
        object_id: uuid.UUID | int | str,
        *,
        market: str,
        about: uuid.UUID | str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """One row; the arguments are those of `audit.actions.event` with the moment."""
        self._rows.append(
            (
                at,
                by.kind,
                by.id,
                by.name,
                by.role,
                act,
                object_kind,
                str(object_id),
                str(about),
                market,
                before,
                after,
                reason,
            )
        )

    def load(self) -> int:
        """Inserts the rows, the oldest first; rows of one moment keep the order they came in."""
        batch = Batch(AuditEvent, COLUMNS)
        batch.rows = sorted(self._rows, key=lambda row: row[0])
        self._rows = []
        return batch.load()
