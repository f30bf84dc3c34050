"""Statements of the hot paths, planned by the server once for each connection.

Planning a redemption takes the server as long as doing it. What is prepared belongs to the
connection, so a pooler that hands connections on between transactions needs it switched off (see
`PREPARED_STATEMENTS` in the settings). For texts written in the code alone: each is kept.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection

_MARK = re.compile(r"%(?:\((\w+)\))?s|%%")


@lru_cache(maxsize=256)
def _forms(sql: str) -> tuple[str, str, str]:
    """A name, the text that prepares the statement, and the text that executes it."""
    places: dict[str, int] = {}

    def number(mark: re.Match[str]) -> str:
        if mark[0] == "%%":
            return "%"
        key = mark[1] or str(len(places))
        return f"${places.setdefault(key, len(places) + 1)}"

    numbered = _MARK.sub(number, sql)
    named = "%(" in sql
    name = f"recovery_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
    values = ", ".join(f"%({key})s" if named else "%s" for key in places)
    call = f"EXECUTE {name} ({values})" if values else f"EXECUTE {name}"
    return name, f"PREPARE {name} AS {numbered}", call


def prepared(cursor: Any, sql: str) -> str:
    """The text to execute with the values of `sql`, once its connection has the statement.

    `sql` is one statement with marks of one kind, `%s` or `%(name)s`.
    """
    if not settings.PREPARED_STATEMENTS:
        return sql
    name, prepare, call = _forms(sql)
    link = cursor.connection
    if name not in link.prepared:
        # What is prepared outlives the transaction, even one that is rolled back.
        with connection.wrap_database_errors, link.cursor() as plain:
            plain.execute(prepare)
        link.prepared.add(name)
    return call


def send_along(sql: str, values: Sequence[Any]) -> None:
    """Sends `sql` on the trip of the transaction's next statement, before it.

    For a statement that either says nothing or refuses: what it raises comes from the next one, of
    which then nothing is done. A transaction that asks nothing more never sends it. Raises
    RuntimeError outside a transaction, which would begin with the next statement and end with it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a statement goes along inside a transaction")
    with connection.cursor() as cursor:
        text: bytes = cursor.mogrify(prepared(cursor, sql), values)
        cursor.connection.send_along(text.decode())
