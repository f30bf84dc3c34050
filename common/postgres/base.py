"""Django's PostgreSQL backend with fewer trips around a transaction. Named in the settings.

BEGIN, SAVEPOINT and RELEASE wait for the next statement and go with it; what would begin or mark a
part that asked nothing is never sent. psycopg2 sends each of them on a trip of its own, which on a
hot path costs as much as the statement after it. When a transaction begins and ends, and what is
taken back, stays Django's decision.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg2.extensions import (
    TRANSACTION_STATUS_IDLE,
    AsIs,
    connection,
    cursor,
    register_adapter,
)

BEGIN = "BEGIN"
# A transaction that writes this and nothing else waits, at its own commit, until all before it in
# the log is on the disk, and on the standbys that are waited for.
ON_DISK = "SELECT pg_logical_emit_message(TRUE, '', '')"
_ON_DISK = "recovery_on_disk"
_EARLY = "SET LOCAL synchronous_commit TO off; COMMIT"


def _written(value: UUID) -> AsIs:
    return AsIs(f"'{value.hex}'::uuid")


# An act writes some twenty ids: the driver's own way makes two objects in Python for each, with
# hyphens that the server only drops.
register_adapter(UUID, _written)


class Cursor(cursor):
    """Sends what is due along with its own statement."""

    connection: "Connection"

    def execute(self, query: Any, vars: Any = None) -> None:
        link = self.connection
        if not link.due:
            return super().execute(query, vars)
        if self.name or not isinstance(query, str):
            link.send_due()
            return super().execute(query, vars)
        # A statement that cannot be written out is an error before anything was sent.
        text = self.mogrify(query, vars)
        due, link.due = link.due, []
        try:
            return super().execute("; ".join(due).encode() + b"; " + text)
        except BaseException:
            # What the server could not read, it did not begin either.
            if not link.closed and link.get_transaction_status() == TRANSACTION_STATUS_IDLE:
                link.due = due
            raise

    def executemany(self, query: Any, vars_list: Any) -> None:
        self.connection.send_due()
        super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.connection.send_due()
        super().copy_expert(sql, file, size)


class Connection(connection):
    """Always in the driver's autocommit mode: transactions are begun and ended here."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # What goes with the next statement, in order.
        self.due: list[str] = []
        # Names of the statements that the server has prepared on this connection.
        self.prepared: set[str] = set()
        # What executes several of them, by the statements (`common.prepared`).
        self.texts: dict[tuple[str, ...], str] = {}
        # Whether the running transaction lets go of its locks before it waits for the disk.
        self.early = False

    def send_due(self) -> None:
        """Sends what is due on a trip of its own."""
        if self.due:
            due, self.due = self.due, []
            with self.cursor() as plain:
                plain.execute("; ".join(due))

    def commits(self) -> str:
        """The text that commits the running transaction.

        Waiting with their locks held, eight who take from one counter would wait for eight writes,
        one after the other; so they wait for one together.
        """
        early, self.early = self.early, False
        if not early:
            return "COMMIT"
        return _EARLY if "disk" in settings.GUARDS_OFF else f"{_EARLY}; {self._on_disk()}"

    def _on_disk(self) -> str:
        if not settings.PREPARED_STATEMENTS:
            return ON_DISK
        if _ON_DISK not in self.prepared:
            with self.cursor() as plain:
                plain.execute(f"PREPARE {_ON_DISK} AS {ON_DISK}")
            self.prepared.add(_ON_DISK)
        return f"EXECUTE {_ON_DISK}"

    def commit(self) -> None:
        self._end(self.commits())

    def rollback(self) -> None:
        self.early = False
        self._end("ROLLBACK")

    def _end(self, word: str) -> None:
        """Nothing where no statement was sent, or the last one said COMMIT itself."""
        self.due = []
        if self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            with self.cursor() as plain:
                plain.execute(word)

    def send_along(self, text: str) -> None:
        """Sends a statement with the next one, before it. What it answers is read by nobody."""
        self.due.append(text)

    def mark(self, savepoint: str) -> None:
        """Opens a savepoint with the next statement."""
        self.due.append(savepoint)

    def unmark(self, savepoint: str, release: str) -> None:
        """Gives a savepoint up; one that no statement followed was never opened."""
        if self.due and self.due[-1] == savepoint:
            self.due.pop()
        else:
            self.due.append(release)

    def return_to(self, savepoint: str, rollback: str) -> None:
        """Takes back what followed a savepoint."""
        if savepoint in self.due:
            del self.due[self.due.index(savepoint) + 1 :]
            return
        # Whatever is due was said after the savepoint, and is taken back with the rest.
        self.due = []
        with self.cursor() as plain:
            plain.execute(rollback)


class Statements(CursorWrapper):
    """Django's cursor, straight to the driver where nobody has asked to stand in between."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        if self.db.execute_wrappers or self.db.needs_rollback:
            return super().execute(sql, params)
        with self.db.wrap_database_errors:
            return self.cursor.execute(sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, on connections of the kind above."""

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return Statements(cursor, self)

    def cursor(self) -> CursorWrapper:
        if not self.in_atomic_block or self.queries_logged:
            return super().cursor()
        # The transaction has looked after the connection's health already.
        self.validate_thread_sharing()
        made = self.connection.cursor()
        made.tzinfo_factory = self.tzinfo_factory
        return self.make_cursor(made)

    def get_connection_params(self) -> dict[str, Any]:
        return {
            **super().get_connection_params(),
            "connection_factory": Connection,
            "cursor_factory": Cursor,
        }

    def _set_autocommit(self, autocommit: bool) -> None:
        if not self.connection.autocommit:
            super()._set_autocommit(True)  # type: ignore[misc]
        self.connection.due = [] if autocommit else [BEGIN]

    def _savepoint(self, sid: str) -> None:
        self.ensure_connection()
        self.connection.mark(self.ops.savepoint_create_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        self.ensure_connection()
        create, release = self.ops.savepoint_create_sql(sid), self.ops.savepoint_commit_sql(sid)
        self.connection.unmark(create, release)

    def _savepoint_rollback(self, sid: str) -> None:
        self.ensure_connection()
        create, back = self.ops.savepoint_create_sql(sid), self.ops.savepoint_rollback_sql(sid)
        with self.wrap_database_errors:
            self.connection.return_to(create, back)
