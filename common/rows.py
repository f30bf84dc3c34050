"""Hot paths without the query compiler: inserting several rows in one trip, reading joined rows.

The rows are ordinary model instances and the SQL is what the ORM would send; what is saved is
compiling it anew on every call, which costs more than the database does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, DataError, IntegrityError, connection
from django.db.models import ForeignKey, Model
from django.db.models.base import ModelState

from .light import light
from .packing import look_again, packed
from .prepared import prepared, prepared_in_order
from .transactions import may_commit

M = TypeVar("M", bound=Model)


class Batch:
    """Statements that go to the server together: one round trip, in order, all or none."""

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._values: list[list[Any]] = []
        # Where the rows of each kind go that came since the last statement of another sort.
        self._into: dict[tuple[str, str, str], int] = {}
        self._meanings: dict[str, Callable[[], Exception]] = {}

    def add(self, sql: str, values: Sequence[Any]) -> None:
        """A statement written in the code, with `%s` marks."""
        self._statements.append(sql)
        self._values.append(list(values))
        self._into = {}

    def insert(self, *rows: Model) -> None:
        """The rows, saved from here on for whoever looks at them.

        Rows of one model with the same columns become one statement, where the first of them came,
        unless a statement was added in between; so a trigger that looks at a statement's rows sees
        them together. Keys made by the database are not read back.
        """
        for row in rows:
            statement, values = packed(row)
            place = self._into.setdefault(statement, len(self._statements))
            if place < len(self._statements):
                self._values[place].append(values)
                into, mark, end = statement
                marks = ", ".join([mark] * len(self._values[place]))
                self._statements[place] = f"{into}{marks}{end}"
            else:
                self._statements.append("".join(statement))
                self._values.append([values])
            row._state.adding = False
            row._state.db = DEFAULT_DB_ALIAS

    def means(self, constraint: str, exception: Callable[[], Exception]) -> None:
        """Raises this exception instead where the database names that constraint."""
        self._meanings[constraint] = exception

    def join(self, other: "Batch") -> None:
        """Takes over the other's statements, after its own."""
        self._statements += other._statements
        self._values += other._values
        self._meanings |= other._meanings
        self._into = {}

    def send(self, *, and_commit: bool = False) -> None:
        """Executes everything.

        `and_commit` is for the last act of a transaction: it is committed on the same trip, unless
        it is part of a larger one; inside `last_act` it waits for that one's last trip. Raises what
        the database raises, or what that means.
        """
        if not self._statements:
            return
        waiting = _waiting.get()
        if and_commit and waiting is not None and waiting.takes(self):
            return
        try:
            with connection.cursor() as cursor:
                text = prepared_in_order(cursor, tuple(self._statements))
                if and_commit and may_commit():
                    text += f"; {cursor.connection.commits()}"
                cursor.execute(text, light(chain.from_iterable(self._values)))
        except IntegrityError as error:
            meaning = self._meanings.get(violated(error))
            if meaning is None:
                look_again()
                raise
            raise meaning() from error
        except DataError:
            look_again()
            raise


def violated(error: DatabaseError) -> str:
    """The name of the constraint that the database found violated."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def said_by_guard(error: BaseException) -> str:
    """The code with which a guard in the database refused; empty for any other error."""
    code = getattr(error.__cause__, "pgcode", None) or ""
    return code if code.startswith("RC") else ""


def detail_of_guard(error: BaseException) -> str:
    """What the guard said beside its code, for programs."""
    return getattr(getattr(error.__cause__, "diag", None), "message_detail", None) or ""


class _Waiting:
    """The batch of an act that is sent together with what its caller still has to write."""

    def __init__(self) -> None:
        self.batch = Batch()
        # An act directly inside the caller's transaction; a part of it may be followed by others.
        self._depth = len(connection.savepoint_ids) + 1

    def takes(self, batch: Batch) -> bool:
        if len(connection.savepoint_ids) != self._depth:
            return False
        self.batch.join(batch)
        return True


_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def last_act() -> Iterator[Batch]:
    """Inside, an act's last batch is not sent but put into the batch given here.

    For a caller with a transaction of its own who writes no more than a row after the act, and
    reads nothing: what is shared and hot is then locked only for the transaction's last trip. The
    act's refusals come from the sending. An act that does more after it sends as always.
    """
    waiting = _Waiting()
    token = _waiting.set(waiting)
    try:
        yield waiting.batch
    finally:
        _waiting.reset(token)


@contextmanager
def sent_at_once() -> Iterator[None]:
    """Inside, batches are sent as always: for an act whose refusal is answered by another act."""
    token = _waiting.set(None)
    try:
        yield
    finally:
        _waiting.reset(token)


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
def _names(model: type[Model]) -> dict[str, None]:
    """Attributes in the order of `columns`."""
    return {field.attname: None for field in model._meta.concrete_fields}


@lru_cache(maxsize=128)
def _blank(model: type[Model]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    """Constant defaults by attribute, and those that are made for each row."""
    constant: dict[str, Any] = {}
    made: dict[str, Callable[[], Any]] = {}
    for field in model._meta.local_concrete_fields:
        if field.generated:
            continue
        if field.has_default() and callable(field.default):
            made[field.attname] = field.default
        else:
            constant[field.attname] = field.get_default()
    return constant, made


@lru_cache(maxsize=128)
def _relations(model: type[Model]) -> dict[str, tuple["ForeignKey[Any, Any]", str]]:
    """By name, with the attribute of the other row that it keeps."""
    return {
        field.name: (field, field.target_field.attname)
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey)
    }


def fresh(model: type[M], **values: Any) -> M:
    """A row to insert: what `model(**values)` makes, without signals and checks.

    They take longer than the database does. Values have the types of their columns. Raises KeyError
    for an unknown field.
    """
    row = model.__new__(model)
    row._state = ModelState()
    constant, made = _blank(model)
    row.__dict__.update(constant)
    for name, make in made.items():
        if name not in values:
            row.__dict__[name] = make()
    _fill(row, values)
    return row


def _fill(row: Model, values: Mapping[str, Any]) -> None:
    """Sets columns by attribute and related objects by name."""
    kept, state = row.__dict__, row._state
    columns = _names(type(row))
    for name, value in values.items():
        if name in columns:
            kept[name] = value
            continue
        field, key = _relations(type(row))[name]
        kept[field.attname] = None if value is None else getattr(value, key)
        state.fields_cache[field.cache_name] = value
        if field.one_to_one and value is not None:
            value._state.fields_cache[field.remote_field.cache_name] = row


def relate(row: Model, **related: Model) -> None:
    """Sets related rows by name, as an assignment does that asks no router first."""
    _fill(row, related)


def loaded(model: type[M], **values: Any) -> M:
    """An instance of a stored row of which these fields are known; others are read when asked for.

    What `Model.from_db` makes, without its signals, which nobody here listens to: they and the
    checks of `Model.__init__` take longer than reading the row.
    """
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding = False
    row._state.db = DEFAULT_DB_ALIAS
    _fill(row, values)
    return row


def twin(row: M) -> M:
    """Another instance of a stored row, with its columns and nothing that was read beside them."""
    made = type(row).__new__(type(row))
    made._state = ModelState()
    made._state.adding = False
    made._state.db = row._state.db
    kept = row.__dict__
    made.__dict__.update({name: kept[name] for name in _names(type(row)) if name in kept})
    return made


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
        state.db = DEFAULT_DB_ALIAS
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
