"""A row to insert as one value: a row of its table, written as the server's own input takes it.

The driver writes one value then instead of thirty, and the server reads one: how each column is
read it knows from the table, where thirty casts would be worked out anew for every statement. How a
row is packed is worked out once for each model and the types of its values.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from json import JSONEncoder
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now

from .light import array, in_quotes

# A value of any other field goes through the field before it is written.
_PLAIN = frozenset(
    {
        "BigIntegerField",
        "BinaryField",
        "BooleanField",
        "CharField",
        "DateField",
        "DateTimeField",
        "ForeignKey",
        "IntegerField",
        "OneToOneField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "SmallIntegerField",
        "TextField",
        "UUIDField",
    }
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """How rows of a model are read for an INSERT; generated keys and columns are not."""

    fields: Sequence["Field[Any, Any]"]
    # The values of a row's attributes, in the order of the fields.
    read: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    # Those that give the row its value when it is saved.
    stamped: Sequence["Field[Any, Any]"]


@lru_cache(maxsize=128)
def _columns(model: type[Model]) -> _Columns:
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not field.generated and field.get_internal_type() not in {"AutoField", "BigAutoField"}
    ]
    return _Columns(
        fields,
        itemgetter(*(field.attname for field in fields)),
        [field for field in fields if getattr(field, "auto_now_add", False)],
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows whose values are of certain types are inserted."""

    # The INSERT up to the rows, the mark of a packed row, and what comes after them.
    statement: tuple[str, str, str]
    # For each column of the table the place of its value among a row's values, and how it is
    # written; None for one that is not.
    written: Sequence[tuple[int, Callable[[Any], str]] | None]


@lru_cache(maxsize=128)
def _order(table: str) -> list[str]:
    """The table's columns in the order in which its rows are written."""
    # Asked by the driver: it happens once, and would be counted among an act's queries.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.connection.cursor() as plain,
    ):
        plain.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f'"{table}"'],
        )
        return [name for (name,) in plain.fetchall()]


@lru_cache(maxsize=512)
def _plan(model: type[Model], kinds: tuple[type, ...]) -> _Plan:
    table = model._meta.db_table
    names, values = [], []
    written = {}
    for place, (field, kind) in enumerate(zip(_columns(model).fields, kinds, strict=True)):
        if kind is DatabaseDefault:
            continue
        names.append(f'"{field.column}"')
        if kind is Now:
            values.append("statement_timestamp()")
            continue
        written[field.column] = (place, _writer(field, kind))
        values.append(f'(packed)."{field.column}"')
    # Names come from the model's own fields, values are bound.
    into = (
        f'INSERT INTO "{table}" ({", ".join(names)}) '  # noqa: S608
        f"SELECT {', '.join(values)} FROM (VALUES "
    )
    return _Plan(
        (into, f'(%s::"{table}")', ") AS rows(packed)"),
        [written.get(column) for column in _order(table)],
    )


def look_again() -> None:
    """Forgets the order of columns, for a caller whose rows the server could not read.

    A migration may have changed a table while this process was running.
    """
    _plan.cache_clear()
    _order.cache_clear()


def _writer(field: "Field[Any, Any]", kind: type) -> Callable[[Any], str]:
    if kind is type(None) or field.get_internal_type() in _PLAIN:
        return element(kind)
    if isinstance(field, JSONField):
        return partial(_json_element, (field.encoder or JSONEncoder)().encode)
    return partial(_prepared_element, field)


def _prepared_element(field: "Field[Any, Any]", value: Any) -> str:
    ready = field.get_db_prep_save(value, connection)
    return element(type(ready))(ready)


def packed(row: Model) -> tuple[tuple[str, str, str], str]:
    """The INSERT up to its rows, the mark of a row, what comes after them, and the row packed.

    What the database gives a row is not named. Raises TypeError for a value whose type is not known
    here, AttributeError or KeyError for a row without all its columns.
    """
    columns = _columns(type(row))
    for field in columns.stamped:
        field.pre_save(row, add=True)
    values = columns.read(row.__dict__)
    plan = _plan(type(row), tuple(map(type, values)))
    written = ["" if each is None else each[1](values[each[0]]) for each in plan.written]
    return plan.statement, f"({','.join(written)})"


def element(kind: type) -> Callable[[Any], str]:
    """How a value of the type is written as an element. Raises TypeError for one not known here."""
    if kind in _ELEMENT:
        return _ELEMENT[kind]
    if not issubclass(kind, str):
        raise TypeError(f"a {kind.__name__} is written by the driver")
    # A choice is a word.
    return _word


def _json_element(encode: Callable[[Any], str], value: Any) -> str:
    return in_quotes(encode(value))


def _word(value: str) -> str:
    return in_quotes(str.__str__(value))


_ELEMENT: dict[type, Callable[[Any], str]] = {
    str: in_quotes,
    type(None): lambda _value: "",
    int: int.__repr__,
    bool: bool.__repr__,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    UUID: lambda value: value.hex,
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    list: lambda value: in_quotes(array(value)),
}
