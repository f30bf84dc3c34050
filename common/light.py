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


def element(kind: type) -> Callable[[Any], str]:
    """How a value of the type is written in an array of texts that holds a whole row.

    The driver writes one value then instead of thirty, and the server reads one. Raises TypeError
    for a type that is not known here.
    """
    if kind in _ELEMENT:
        return _ELEMENT[kind]
    if not issubclass(kind, str):
        raise TypeError(f"a {kind.__name__} is written by the driver")
    # A choice is a word.
    return _word


def json_element(encode: Callable[[Any], str], value: Any) -> str:
    """A JSON value as such an element."""
    return _in_quotes(encode(value))


def _array(values: list[Any]) -> str:
    """`{"1","2"}`; every value in quotes, so that none can be read as anything else."""
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def _quoted(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        raise TypeError("an array of arrays is written by the driver")
    return _in_quotes(f"\\x{value.hex()}" if isinstance(value, bytes) else str(value))


def _in_quotes(text: str) -> str:
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
    list: _array,
    Jsonb: _json,
}


def _word(value: str) -> str:
    return _in_quotes(str.__str__(value))


_ELEMENT: dict[type, Callable[[Any], str]] = {
    str: _in_quotes,
    type(None): lambda _value: "NULL",
    int: int.__repr__,
    bool: bool.__repr__,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    UUID: lambda value: value.hex,
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    list: lambda value: _in_quotes(_array(value)),
}
