"""What each column means: proposed from the headers, or given in a JSON or CSV file.

A JSON mapping:

    {
      "source": "quejas-2014",
      "date_order": "mdy",
      "columns": {"reference": ["Año", "Número"], "narrative": "Qué pasó", "date": "Fecha"},
      "values": {"category": {"Ruido": "room-noise"}, "channel": {"010": "phone"}},
      "defaults": {"category": "other", "channel": "web"}
    }

A CSV mapping has a row for each of these: `reference,Número`, `values.channel.010,phone`,
`defaults.category,other`, `date_order,mdy`; a field named twice takes both columns.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping as Given
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from .dates import ORDERS
from .errors import CannotImport
from .reading import ENCODINGS, Table
from .words import COLUMNS, plain

MAX_BYTES = 1_000_000
# Fields whose cells stand for one of our own values.
VALUED = ("category", "channel", "severity", "kind", "language", "location")
# What a row is taken to say where its cell is empty.
DEFAULTS = (*VALUED, "date")
SETTINGS = ("source", "date_order", "encoding", "delimiter", "decimal")
# Several columns make one text of these; one column each for the rest.
JOINED = ("reference", "narrative", "customer_name")
# With no column of what happened, these say it, and every other text beside them.
TELLING = ("category", "subcategory")


@dataclass(slots=True)
class Mapping:
    """Columns by field, replacements of values, defaults, and what the file is said to be."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    source: str = ""
    date_order: str = ""
    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""
    given: bool = False


def read_mapping(path: Path) -> Mapping:
    """The mapping in a JSON or CSV file. Raises CannotImport with what is wrong in it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CannotImport(_("The mapping is too large."))
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotImport(_("Cannot read the mapping %(path)s.") % {"path": path}) from error
    if path.suffix.lower() == ".csv":
        return _checked(_from_csv(text))
    try:
        data = json.loads(text)
    except ValueError as error:
        raise CannotImport(_("The mapping is not JSON: %(error)s.") % {"error": error}) from error
    return _checked(data)


def _from_csv(text: str) -> dict[str, Any]:
    data: dict[str, Any] = {"columns": {}, "values": {}, "defaults": {}}
    for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        cells = [cell.strip() for cell in cells]
        if not any(cells) or cells[:2] == ["field", "column"]:
            continue
        if len(cells) != 2:
            raise CannotImport(
                _("Line %(line)d of the mapping needs two cells: field, column.") % {"line": number}
            )
        name, value = cells
        if name in SETTINGS:
            data[name] = value
        elif name.startswith("defaults."):
            data["defaults"][name.removeprefix("defaults.")] = value
        elif name.startswith("values."):
            field_name, _dot, cell = name.removeprefix("values.").partition(".")
            data["values"].setdefault(field_name, {})[cell] = value
        else:
            data["columns"].setdefault(name, []).append(value)
    return data


def _unknown(names: Given[str, Any], known: tuple[str, ...], where: str) -> None:
    wrong = sorted(set(names) - set(known))
    if wrong:
        raise CannotImport(
            _("The mapping names what does not exist in %(where)s: %(names)s. Known: %(known)s.")
            % {"where": where, "names": ", ".join(wrong), "known": ", ".join(known)}
        )


def _texts(data: Any, where: str) -> dict[str, str]:
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise CannotImport(_("“%(where)s” in the mapping must pair texts.") % {"where": where})
    return data


def _checked(data: Any) -> Mapping:
    if not isinstance(data, dict):
        raise CannotImport(_("The mapping must be a JSON object."))
    _unknown(data, (*SETTINGS, "columns", "values", "defaults"), "mapping")
    columns = data.get("columns", {})
    if not isinstance(columns, dict):
        raise CannotImport(_("“%(where)s” in the mapping must pair texts.") % {"where": "columns"})
    _unknown(columns, tuple(COLUMNS), "columns")
    lists: dict[str, list[str]] = {}
    for name, value in columns.items():
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
            raise CannotImport(_("“%(where)s” in the mapping must name columns.") % {"where": name})
        if len(names) > 1 and name not in JOINED:
            raise CannotImport(_("“%(where)s” takes one column.") % {"where": name})
        lists[name] = [item for item in names if item]
    values = data.get("values", {})
    _unknown(values, VALUED, "values")
    defaults = _texts(data.get("defaults", {}), "defaults")
    _unknown(defaults, DEFAULTS, "defaults")
    settings = _texts({name: data[name] for name in SETTINGS if name in data}, "mapping")
    mapping = Mapping(
        columns=lists,
        values={
            name: {plain(cell): value for cell, value in _texts(pairs, name).items()}
            for name, pairs in values.items()
        },
        defaults=defaults,
        given=True,
        **settings,
    )
    if mapping.date_order not in ("", *ORDERS):
        raise CannotImport(_("`date_order` is one of dmy, mdy, ymd."))
    if "date" in defaults and not _is_day(defaults["date"]):
        raise CannotImport(_("`defaults.date` is a day like 2026-03-31."))
    if mapping.decimal not in ("", ".", ","):
        raise CannotImport(_("`decimal` is a point or a comma."))
    if mapping.encoding not in ("", *ENCODINGS):
        raise CannotImport(_("`encoding` is one of %(known)s.") % {"known": ", ".join(ENCODINGS)})
    if len(mapping.delimiter) > 1:
        raise CannotImport(_("`delimiter` is one character."))
    if len(mapping.source) > 60:
        raise CannotImport(_("`source` has at most 60 characters."))
    return mapping


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def complete(mapping: Mapping | None, table: Table) -> Mapping:
    """The mapping as it will be used: the given one with its columns found, or a proposal.

    A given mapping that names no column at all still gets proposed ones. Raises CannotImport for a
    column that the file does not have, or when nothing says what happened.
    """
    mapping = mapping or Mapping()
    by_name = {plain(column): column for column in table.columns}
    if mapping.columns:
        for name, columns in mapping.columns.items():
            missing = [column for column in columns if plain(column) not in by_name]
            if missing:
                raise CannotImport(
                    _("The file has no column “%(column)s”. It has: %(columns)s.")
                    % {"column": missing[0], "columns": ", ".join(table.columns)}
                )
            mapping.columns[name] = [by_name[plain(column)] for column in columns]
    else:
        mapping.columns = _proposed(table, by_name)
    if not mapping.columns.get("narrative"):
        raise CannotImport(
            _(
                "No column says what happened. Name one or several as “narrative” in a mapping. "
                "The file has: %(columns)s."
            )
            % {"columns": ", ".join(table.columns)}
        )
    return mapping


def _proposed(table: Table, by_name: dict[str, str]) -> dict[str, list[str]]:
    """For each field the column with its surest name; no column serves two fields."""
    found: dict[str, list[str]] = {}
    used: set[str] = set()
    for name, words in COLUMNS.items():
        column = next(
            (by_name[word] for word in words if by_name.get(word) not in {None, *used}), ""
        )
        if column:
            found[name] = [column]
            used.add(column)
    if "reference" in found:
        _widen_reference(table, found, used)
    if "narrative" not in found:
        told = [column for name in TELLING for column in found.get(name, [])]
        rest = [
            column for column in table.columns if column not in used and _holds_text(table, column)
        ]
        if told:
            found["narrative"] = told + rest
    return found


def _widen_reference(table: Table, found: dict[str, list[str]], used: set[str]) -> None:
    """A number that starts again each year is told apart by the year beside it."""
    column = found["reference"][0]
    word = plain(column).split()[-1]
    for other in table.columns:
        words = plain(other).split()
        if (
            other not in used
            and words
            and words[0] in {"ano", "year"}
            and words[-1] in {word, words[0]}
        ):
            found["reference"] = [other, column]
            used.add(other)
            return


def _holds_text(table: Table, column: str) -> bool:
    """Whether most filled cells of the first rows hold words rather than marks and numbers."""
    cells = [row.cells[column] for row in table.rows[:200] if row.cells[column].strip()]
    wordy = sum(len(cell.strip()) > 3 and any(map(str.isalpha, cell)) for cell in cells)
    return bool(cells) and wordy * 2 > len(cells)
