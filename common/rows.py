"""Hot paths without the query compiler: inserting several rows in one trip, reading joined rows.

The rows are ordinary model instances and the SQL is what the ORM would send; what is saved is
compiling it anew on every call, which costs more than the database does.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now

from .prepared import prepared
from .transactions import may_commit

M = TypeVar("M", bound=Model)


# What the driver takes as it is; a value of any other field goes through the field.
_PLAIN = frozenset(
    {
        "BooleanField",
        "CharField",
        "DateTimeField",
        "ForeignKey",
        "OneToOneField",
        "TextField",
        "UUIDField",
    }
)


@lru_cache(maxsize=128)
def _insertable(model: type[Model]) -> list[tuple[str, str, "Field[Any, Any]", bool]]:
    """Attribute, quoted column, field, and whether its values go to the driver as they are."""
    fields: list[tuple[str, str, Field[Any, Any], bool]] = []
    for field in model._meta.local_concrete_fields:
        kind = field.get_internal_type()
        if not field.generated and kind not in {"AutoField", "BigAutoField"}:
            plain = kind in _PLAIN and not getattr(field, "auto_now_add", False)
            fields.append((field.attname, f'"{field.column}"', field, plain))
    return fields


def _insertion(row: Model) -> tuple[str, str, list[Any]]:
    """`INSERT INTO ... VALUES`, the row's marks and values; database defaults are not named."""
    names, marks, values = [], [], []
    kept = row.__dict__
    for attribute, name, field, plain in _insertable(type(row)):
        value = kept[attribute] if plain else field.pre_save(row, add=True)
        if isinstance(value, DatabaseDefault):
            continue
        names.append(name)
        if isinstance(value, Now):
            marks.append("statement_timestamp()")
        else:
            marks.append("%s")
            values.append(value if plain else field.get_db_prep_save(value, connection))
    # Names come from the model's own fields, values are bound.
    into = f'INSERT INTO "{row._meta.db_table}" ({", ".join(names)}) VALUES '  # noqa: S608
    return into, f"({', '.join(marks)})", values


class Batch:
    """Statements that go to the server together: one round trip, in order, all or none."""

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._values: list[Any] = []
        self._into = ""

    def add(self, sql: str, values: Sequence[Any]) -> None:
        """A statement written in the code, with `%s` marks."""
        self._statements.append(sql)
        self._values += values
        self._into = ""

    def insert(self, *rows: Model) -> None:
        """The rows, saved from here on for whoever looks at them.

        Neighbours of one model with the same columns become one statement, so that a trigger that
        looks at a statement's rows sees them together. Keys made by the database are not read back.
        """
        for row in rows:
            into, marks, found = _insertion(row)
            if into == self._into:
                self._statements[-1] += ", " + marks
            else:
                self._statements.append(into + marks)
            self._into = into
            self._values += found
            row._state.adding = False
            row._state.db = connection.alias

    def send(self, *, and_commit: bool = False) -> int:
        """Executes everything; how many rows the last statement touched.

        `and_commit` is for the last act of a transaction: it is committed on the same trip, unless
        it is part of a larger one. Raises what the database raises.
        """
        if not self._statements:
            return 0
        with connection.cursor() as cursor:
            each = [prepared(cursor, statement) for statement in self._statements]
            if and_commit and may_commit():
                each.append("COMMIT")
            cursor.execute("; ".join(each), self._values)
            return int(cursor.rowcount)


def insert(*rows: Model, and_commit: bool = False) -> None:
    """Inserts the rows in order, in one round trip; `and_commit` as for `Batch.send`.

    Raises what the database raises.
    """
    batch = Batch()
    batch.insert(*rows)
    batch.send(and_commit=and_commit)


@lru_cache(maxsize=128)
def columns(model: type[Model], alias: str) -> str:
    """Every column of a model for a SELECT, in the order that `build` expects."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


@lru_cache(maxsize=128)
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def loaded(model: type[M], **values: Any) -> M:
    """An instance of a stored row of which these fields are known; others are read when asked for.

    What `Model.from_db` makes, without its signals, which nobody here listens to: they and the
    checks of `Model.__init__` take longer than reading the row.
    """
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding = False
    row._state.db = connection.alias
    kept = row.__dict__
    columns = _names(model)
    for name, value in values.items():
        if name in columns:
            kept[name] = value
        else:  # a related object
            setattr(row, name, value)
    return row


def build(row: Sequence[Any], *models: type[Model]) -> list[Any]:
    """One instance of each model from a row that selected their `columns` one after the other.

    For models without JSON columns, which the database's driver hands over as text.
    """
    found = []
    start = 0
    for model in models:
        names = _names(model)
        made = model.__new__(model)
        state = made._state = ModelState()
        state.adding = False
        state.db = connection.alias
        made.__dict__.update(zip(names, row[start : start + len(names)], strict=True))
        found.append(made)
        start += len(names)
    return found


@lru_cache(maxsize=128)
def _select(rest: str, models: tuple[tuple[str, type[Model]], ...], also: str) -> str:
    # All parts are written in the code; values are bound.
    chosen = [columns(model, alias) for alias, model in models] + ([also] if also else [])
    return f"SELECT {', '.join(chosen)} {rest}"


def fetch(
    rest: str, values: Sequence[Any], *, also: str = "", **models: type[Model]
) -> list[Any] | None:
    """The first row of `SELECT ... rest`, one instance for each named model; None for no row.

    `rest` begins with FROM and gives each model's table the alias of its name here. `also` is one
    more expression, whose value comes last.
    """
    with connection.cursor() as cursor:
        statement = _select(rest, tuple(models.items()), also)
        cursor.execute(prepared(cursor, statement), values)
        row = cursor.fetchone()
    if row is None:
        return None
    found = build(row, *models.values())
    return [*found, row[-1]] if also else found
