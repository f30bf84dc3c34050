"""Django's PostgreSQL backend with fewer trips around a transaction. Named in the settings.

The server is told of a transaction together with its first statement, and is not told of one that
asked nothing. psycopg2 sends BEGIN on a trip of its own, which on a hot path costs as much as the
statement after it. When a transaction begins and ends stays Django's decision.
"""

from typing import Any

from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor


class Cursor(cursor):
    """Sends a BEGIN that is due along with its own statement."""

    connection: "Connection"

    def execute(self, query: Any, vars: Any = None) -> None:
        link = self.connection
        if not link.begin_due:
            return super().execute(query, vars)
        if self.name or not isinstance(query, str):
            link.begin()
            return super().execute(query, vars)
        link.begin_due = False
        try:
            return super().execute(f"BEGIN; {query}", vars)
        except BaseException:
            # What could not be read, here or by the server, was not begun either.
            if not link.closed and link.get_transaction_status() == TRANSACTION_STATUS_IDLE:
                link.begin_due = True
            raise

    def executemany(self, query: Any, vars_list: Any) -> None:
        self.connection.begin()
        super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.connection.begin()
        super().copy_expert(sql, file, size)


class Connection(connection):
    """Always in the driver's autocommit mode: transactions are begun and ended here."""

    begin_due = False

    def begin(self) -> None:
        """Begins a transaction that is due, on a trip of its own."""
        if self.begin_due:
            self.begin_due = False
            with self.cursor() as plain:
                plain.execute("BEGIN")

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def _end(self, word: str) -> None:
        """Nothing where no statement was sent, or the last one said COMMIT itself."""
        if self.begin_due:
            self.begin_due = False
        elif self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            with self.cursor() as plain:
                plain.execute(word)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, on connections of the kind above."""

    def get_connection_params(self) -> dict[str, Any]:
        return {
            **super().get_connection_params(),
            "connection_factory": Connection,
            "cursor_factory": Cursor,
        }

    def _set_autocommit(self, autocommit: bool) -> None:
        if not self.connection.autocommit:
            super()._set_autocommit(True)  # type: ignore[misc]
        self.connection.begin_due = not autocommit
