"""Joined rows of a list without the query compiler, each as its model instances.

As `rows` does for one row: the SQL is what the ORM would send, prepared once for each connection.
Planning a join of eight tables takes the server longer than reading a page of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model
from django.db.models.base import ModelState

from .prepared import prepared_in_order


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A joined table of a statement: its alias there, and the fields that are not read with it.

    Written once in the code, and told from another by which it is: comparing takes longer.
    """

    alias: str
    model: type[Model]
    without: frozenset[str] = frozenset()

    def fields(self) -> list["Field[Any, Any]"]:
        return [f for f in self.model._meta.concrete_fields if f.name not in self.without]


@lru_cache(maxsize=32)
def _select_parts(rest: str, parts: tuple[Part, ...], also: str) -> str:
    chosen = [f'{part.alias}."{field.column}"' for part in parts for field in part.fields()]
    # All parts are written in the code; values are bound.
    return f"SELECT {', '.join(chosen)}{also and ', ' + also} {rest}"


@lru_cache(maxsize=32)
def _cuts(parts: tuple[Part, ...]) -> list[tuple[type[Model], list[str], int, int, int]]:
    """For each part its model, its names, where its columns begin and end, and where its key is."""
    found = []
    start = 0
    for part in parts:
        fields = part.fields()
        key = start + [field.primary_key for field in fields].index(True)
        found.append(
            (part.model, [f.attname for f in fields], start, start + len(fields), key),
        )
        start += len(fields)
    return found


def fetch_all(
    rest: str,
    values: Sequence[Any],
    parts: tuple[Part, ...],
    *,
    also: str = "",
    after: Sequence[tuple[str, Sequence[Any]]] = (),
) -> list[list[Any]]:
    """Every row of `SELECT ... rest`: an instance for each part, None where an outer join has none.

    What several rows join as one part is one instance. `also` are more expressions, whose values
    come last in each row. `after` are statements that go before it on the same trip, and whose own
    rows nobody reads: it sees what was committed while they waited. For models without JSON
    columns, which the driver hands over as text.
    """
    with connection.cursor() as cursor:
        each = [*after, (_select_parts(rest, parts, also), values)]
        sql = prepared_in_order(cursor, tuple([statement for statement, _values in each]))
        cursor.execute(sql, [value for _statement, its in each for value in its])
        rows = cursor.fetchall()
    cuts = _cuts(parts)
    known: dict[tuple[int, Any], Any] = {}
    found = []
    for row in rows:
        made: list[Any] = []
        for model, names, start, end, key in cuts:
            if row[key] is None:
                made.append(None)
                continue
            same = (start, row[key])
            one = known.get(same)
            if one is None:
                one = known[same] = model.__new__(model)
                state = one._state = ModelState()
                state.adding = False
                state.db = DEFAULT_DB_ALIAS
                one.__dict__.update(zip(names, row[start:end], strict=True))
            made.append(one)
        found.append([*made, *row[cuts[-1][3] :]])
    return found
