"""Writing the audit trail: `record()` is called inside the transaction of its change."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from common.context import request_id
from common.rows import fresh, insert

from .models import AuditEvent
from .states import ActorKind


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a member of staff, an API client, a customer with a link, or the system itself."""

    kind: ActorKind
    id: str = ""
    name: str = ""
    role: str = ""


SYSTEM = Actor(ActorKind.SYSTEM, name="system")


def event(
    *,
    act: str,
    by: Actor,
    object_kind: str,
    object_id: uuid.UUID | int | str,
    about_id: uuid.UUID | int | str = "",
    market_code: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """An unsaved row, for callers that insert several at once with `bulk_create`."""
    return fresh(
        AuditEvent,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_name=by.name,
        role=by.role,
        act=act,
        object_kind=object_kind,
        object_id=str(object_id),
        about_id=str(about_id),
        market_code=market_code,
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        reason=reason,
        request_id=request_id.get(),
    )


def record(**fields: Any) -> AuditEvent:
    """Inserts one row; takes what `event` takes.

    Raises RuntimeError outside a transaction: a row on its own would not be bound to the change.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit rows are written in the transaction of their change")
    row = event(**fields)
    insert(row)
    return row


def event_in_sql(*, object_id: str, about_id: str, after: str) -> str:
    """`INSERT ... SELECT` of one row, for a statement that changes and records at once.

    The arguments are SQL expressions; the statement goes on with its FROM and binds
    `event_values`.
    """
    return (
        "INSERT INTO audit_auditevent (actor_kind, actor_id, actor_name, role, act, object_kind, "
        "object_id, about_id, market_code, after, reason, request_id) "
        "SELECT %(actor_kind)s, %(actor_id)s, %(actor_name)s, %(role)s, %(act)s, %(object_kind)s, "
        f"({object_id})::text, ({about_id})::text, %(market_code)s, {after}, '', %(request_id)s"
    )


def event_values(*, act: str, by: Actor, object_kind: str, market_code: str) -> dict[str, str]:
    """What `event_in_sql` binds."""
    return {
        "actor_kind": by.kind.value,
        "actor_id": by.id,
        "actor_name": by.name,
        "role": by.role,
        "act": act,
        "object_kind": object_kind,
        "market_code": market_code,
        "request_id": request_id.get(),
    }
