"""Statements of the hot paths, planned by the server once for each connection.

Planning a redemption takes the server as long as doing it. What is prepared belongs to the
connection, so a pooler that hands connections on between transactions needs it switched off (see
`PREPARED_STATEMENTS` in the settings). For texts written in the code alone: each is kept.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from .light import light

# Written in the code, with its values in the order of its marks, or by their names.
Statement = tuple[str, Sequence[Any] | Mapping[str, Any]]

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


# Texts that a connection remembers: of the acts there are, and not of every size of a list.
_MOST_TEXTS = 200


def prepared_in_order(cursor: Any, statements: tuple[str, ...]) -> str:
    """The text that executes several statements one after the other, as `prepared` for each."""
    if not settings.PREPARED_STATEMENTS:
        return "; ".join(statements)
    texts: dict[tuple[str, ...], str] = cursor.connection.texts
    text = texts.get(statements)
    if text is None:
        text = "; ".join([prepared(cursor, statement) for statement in statements])
        if len(texts) < _MOST_TEXTS:
            texts[statements] = text
    return text


def send_along(sql: str, values: Sequence[Any] | Mapping[str, Any]) -> None:
    """Sends `sql` on the trip of the transaction's next statement, before it.

    For a statement that either says nothing or refuses: what it raises comes from the next one, of
    which then nothing is done. A transaction that asks nothing more never sends it. Raises
    RuntimeError outside a transaction, which would begin with the next statement and end with it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a statement goes along inside a transaction")
    with connection.cursor() as cursor:
        text: bytes = cursor.mogrify(prepared(cursor, sql), _light(values))
        cursor.connection.send_along(text.decode())


def guards_in_one(*guards: Statement) -> Statement:
    """Several `SELECT guard(...)` as one, in the same order."""
    words = ", ".join(sql.removeprefix("SELECT ") for sql, _values in guards)
    return f"SELECT {words}", [value for _sql, values in guards for value in values]


def together(*statements: Statement) -> tuple[Any, ...] | None:
    """Executes statements in order on one trip, all or none; the last one's first row.

    What goes before the last one either says nothing or refuses. Outside a transaction they are one
    of their own, committed when the row is here: the server begins and ends it around a message
    with several statements. Inside a larger one they are a part of it. Raises what the database
    raises, with nothing changed.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return _together(statements)
    return _together(statements)


def _together(statements: Sequence[Statement]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        each = [cursor.mogrify(prepared(cursor, sql), _light(values)) for sql, values in statements]
        cursor.execute(b"; ".join(each).decode())
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _light(values: Sequence[Any] | Mapping[str, Any]) -> list[Any] | dict[str, Any]:
    if isinstance(values, Mapping):
        return dict(zip(values, light(values.values()), strict=True))
    return light(values)
