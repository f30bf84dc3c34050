"""Values for statements whose columns and parameters say what they take.

The driver writes each value together with its type, by objects made in Python for it: for an act
with a hundred values that takes longer than a trip, and the server reads every type again. Here
they become the plain text that the server's own input takes.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import Jsonb

_AS_IT_IS = frozenset({str, int, bytes, bool, type(None)})


def light(values: Iterable[Any]) -> list[Any]:
    """The values in the same order, in the form that costs both sides the least."""
    return [
        value if (kind := type(value)) in _AS_IT_IS else _LIGHTER.get(kind, _other)(value)
        for value in values
    ]


def array(values: list[Any]) -> str:
    """`{1,2}` or `{"a","b"}`: all but numbers in quotes, so that none is read as anything else."""
    if set(map(type, values)) == {int}:
        return "{" + ",".join(map(repr, values)) + "}"
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def _quoted(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        raise TypeError("an array of arrays is written by the driver")
    return in_quotes(f"\\x{value.hex()}" if isinstance(value, bytes) else str(value))


def in_quotes(text: str) -> str:
    """An element of an array's text that is read as this text and nothing else."""
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _json(value: Any) -> str:
    text: str = value.dumps(value.adapted)
    return text


def _other(value: Any) -> Any:
    # A choice is a word, which the driver finds out only after everything else.
    return str.__str__(value) if isinstance(value, str) else value


_LIGHTER: dict[type, Callable[[Any], Any]] = {
    UUID: lambda value: value.hex,
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    list: array,
    Jsonb: _json,
}
