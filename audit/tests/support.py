"""Trails to seal and to tamper with, and the rights of whoever owns the database."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from audit.actions import SYSTEM, record
from audit.models import AuditEvent
from audit.sealing import seal

# Each of a table's guards but the one against TRUNCATE, which no test has on anyway.
_GUARDS = (
    ("audit_auditevent", "audit_auditevent_append_only"),
    ("audit_auditevent", "audit_auditevent_txid"),
    ("audit_seal", "audit_seal_append_only"),
)
# Longer than any other test keeps a transaction open, on a machine that is busy with both.
SECONDS = 180


def write(count: int, *, act: str = "test.done") -> list[int]:
    """`count` rows in one transaction; their ids."""
    with transaction.atomic():
        last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
        for number in range(count):
            record(
                act=act,
                by=SYSTEM,
                object_kind="test",
                object_id=str(number),
                before={"n": number},
                after={"n": number + 1, "text": "ñ"},
                reason=f"reason {number}",
            )
    return list(AuditEvent.objects.filter(id__gt=last).values_list("id", flat=True).order_by("id"))


def unsealed() -> int:
    """Rows that no seal covers, counted without the code under test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_auditevent WHERE (txid, id) >= (SELECT until_txid, "
            "until_id FROM audit_seal ORDER BY number DESC LIMIT 1) OR NOT EXISTS "
            "(SELECT FROM audit_seal)"
        )
        (count,) = cursor.fetchone()
    return int(count)


def seal_all(*, rows: int = 7) -> None:
    """Seals everything at once, when the transactions of other tests on this server let it."""
    wait_for_horizon()
    seal(rows=rows)
    assert not unsealed()


def wait_for_horizon() -> None:
    """Until every row of the trail is older than any transaction that still runs on this server."""
    until = time.monotonic() + SECONDS
    while _held_back():
        assert time.monotonic() < until, "something held the horizon back for too long"
        time.sleep(0.05)


def _held_back() -> bool:
    """Whether a row could still change its order, so that a seal would end before it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM audit_auditevent "
            "WHERE txid >= audit_transaction(pg_snapshot_xmin(pg_current_snapshot())))"
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def owning() -> Iterator[Any]:
    """A cursor of somebody who owns the database and has switched every guard off."""
    with connection.cursor() as cursor:
        for table, trigger in _GUARDS:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        try:
            yield cursor
        finally:
            for table, trigger in _GUARDS:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


def tamper(statement: str, values: Sequence[Any] = ()) -> None:
    """One statement of the owner's; it has to touch something."""
    with owning() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount != 0
