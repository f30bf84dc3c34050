"""Loading many rows at once: `COPY` from Python values, a table at a time.

Some three hundred thousand rows go in, which `bulk_create` would take a minute for. Constraints and
triggers hold all the same. Columns that a batch does not name get the model's own default.
"""

import csv
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import AutoField, BinaryField, Field, JSONField, Model
from django.db.models.fields import NOT_PROVIDED

from common.light import array

CHUNK = 500
# What stands for NULL: no value of ours is this text.
NULL = r"\N"
_json = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _bytes(value: bytes) -> str:
    return rf"\x{value.hex()}"


class Batch:
    """Rows of one table, in the order they were added.

    `columns` are the fields' attribute names, with spaces between.
    """

    def __init__(self, model: type[Model], columns: str) -> None:
        self.model = model
        self.columns = columns.split()
        self.rows: list[tuple[Any, ...]] = []

    def add(self, *values: Any) -> None:
        """One row; `values` in the order of the columns."""
        self.rows.append(values)

    def load(self) -> int:
        """Inserts the rows and forgets them; returns how many there were."""
        fields = {field.attname: field for field in self.model._meta.concrete_fields}
        writers = [
            (place, writer)
            for place, name in enumerate(self.columns)
            if (writer := _writer(fields[name])) is not None
        ]
        constants = dict(self._constants(fields))
        names = [fields[name].column for name in [*self.columns, *constants]]
        quote = connection.ops.quote_name
        statement = "COPY {} ({}) FROM STDIN (FORMAT csv, NULL '{}')".format(
            quote(self.model._meta.db_table),
            ", ".join(quote(str(name)) for name in names),
            NULL,
        )
        count = len(self.rows)
        with connection.cursor() as cursor:
            cursor.copy_expert(statement, _Lines(self.rows, writers, list(constants.values())))
        self.rows = []
        return count

    def _constants(self, fields: dict[str, "Field[Any, Any]"]) -> Iterator[tuple[str, Any]]:
        """What the columns that were not named hold, where the database has no default for them."""
        for name, field in fields.items():
            if name in self.columns or field.generated or field.null:
                continue
            if isinstance(field, AutoField) or field.db_default is not NOT_PROVIDED:
                continue
            writer, value = _writer(field), field.get_default()
            yield name, writer(value) if writer else value


def _writer(field: "Field[Any, Any]") -> Callable[[Any], str] | None:
    """How values of a field are written, where `str` is not the way."""
    if isinstance(field, JSONField):
        return _json
    if isinstance(field, ArrayField):
        return array
    return _bytes if isinstance(field, BinaryField) else None


class _Lines:
    """What COPY reads: some hundred rows at each call, so that both sides work at once."""

    def __init__(
        self,
        rows: list[tuple[Any, ...]],
        writers: list[tuple[int, Callable[[Any], str]]],
        tail: list[Any],
    ) -> None:
        self._rows = iter(rows)
        self._writers = writers
        self._tail = tail

    def read(self, _size: int) -> str:
        text = io.StringIO()
        csv.writer(text).writerows(map(self._values, islice(self._rows, CHUNK)))
        return text.getvalue()

    def _values(self, row: tuple[Any, ...]) -> list[Any]:
        values = [NULL if value is None else value for value in row]
        for place, write in self._writers:
            if row[place] is not None:
                values[place] = write(row[place])
        return values + self._tail if self._tail else values
