"""From bytes to rows: encoding and delimiter are found out, never assumed, and can be said.

Rows keep their line number in the file. A row that does not fit the header is kept too, with what
is wrong with it: nothing is dropped in silence.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .errors import CannotImport
from .words import plain

MAX_BYTES = 200 * 1024 * 1024
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")
# Columns that the file of refused rows adds; they are not part of what was said by the source.
REFUSED_LINE, REFUSED_REASON = "refused_line", "refused_reason"
ADDED = {REFUSED_LINE, REFUSED_REASON}
SAMPLE_ROWS = 200
QUOTE = '"'
FORMULA_MARKS = tuple("=+-@|%")
# Nobody writes a complaint on more lines than this: its closing mark belongs to another cell.
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its line in the file, its cells by column, and what is wrong with its shape."""

    line: int
    cells: dict[str, str]
    problem: str = ""
    # Cells beyond the header's, kept for the file of refused rows.
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=False)

    @property
    def layout(self) -> str:
        """A short print of the column names, the same whatever their order or the file's name."""
        text = "\n".join(sorted(plain(column) for column in self.columns))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_table(path: Path, *, encoding: str = "", delimiter: str = "") -> Table:
    """The file as a table; `encoding` and `delimiter` are found out unless given.

    Raises CannotImport for a file that is not there, too large, not text or without a header.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CannotImport(
                _("The file is larger than %(size)d MB. Split it.") % {"size": MAX_BYTES >> 20}
            )
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or _("unknown error")
        raise CannotImport(
            _("Cannot read %(path)s: %(reason)s.") % {"path": path, "reason": reason}
        ) from error
    encoding = encoding or detect_encoding(raw)
    text = _decode(raw, encoding)
    delimiter = delimiter or detect_delimiter(text)
    columns, rows = _rows(text, delimiter)
    return Table(path.name, encoding, delimiter, columns, rows)


def detect_encoding(raw: bytes) -> str:
    """One of `ENCODINGS`. UTF-8 proves itself; otherwise the likelier of the two old ones."""
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    best = from_bytes(raw[:1_000_000], cp_isolation=["cp1252", "latin_1"]).best()
    guess = best.encoding if best is not None else "cp1252"
    # The two differ only where Latin-1 has invisible control characters, which no sheet holds.
    if guess == "latin_1" and any(0x80 <= byte <= 0x9F for byte in raw):
        guess = "cp1252"
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252" if guess == "cp1252" else "latin-1"


def _decode(raw: bytes, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        text = raw.decode(name)
    except (LookupError, UnicodeDecodeError) as error:
        raise CannotImport(
            _("The file is not %(encoding)s text.") % {"encoding": encoding}
        ) from error
    if "\x00" in text:
        raise CannotImport(_("This is not a text file. Save the sheet as CSV first."))
    return text.removeprefix("\ufeff")


def detect_delimiter(text: str) -> str:
    """The mark that cuts the first rows into the most columns, the same number in each."""
    best, best_score = ",", (0.0, 0)
    for mark in DELIMITERS:
        widths = []
        try:
            for index, cells in enumerate(csv.reader(io.StringIO(text), delimiter=mark)):
                if cells:
                    widths.append(len(cells))
                if index >= SAMPLE_ROWS:
                    break
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        agreeing = sum(width == widths[0] for width in widths) / len(widths)
        if (agreeing, widths[0]) > best_score:
            best, best_score = mark, (agreeing, widths[0])
    return best


def _named(header: list[str]) -> list[str]:
    """Column names as written, without outer spaces; blank and repeated ones get a number."""
    names: list[str] = []
    for index, cell in enumerate(header, start=1):
        name = " ".join(cell.split()) or _("column %(number)d") % {"number": index}
        base, copy = name, 2
        while name in names:
            name, copy = f"{base} ({copy})", copy + 1
        names.append(name)
    return names


def _unquoted(cell: str) -> str:
    """Takes back the mark with which our own file of refused rows defuses a formula."""
    defused = cell[:1] == "'" and cell[1:2] in FORMULA_MARKS
    return cell[1:].replace("\\|", "|") if defused else cell


def _swallows(lines: Sequence[str], delimiter: str) -> int | None:
    """The place in `lines` of a quotation mark that opens a cell and is not closed, or None.

    The parser closes such a cell at the opening mark of a later one, or never: either way the rows
    in between become part of its text without a word. A mark with more text after it on the line
    where it opened takes no row with it, and is read as people mean it.
    """
    opened, inside, closing, begins = 0, False, False, True
    for number, line in enumerate(lines):
        for mark in line:
            if inside and not closing:
                closing = mark == QUOTE
            elif inside and mark == QUOTE:
                closing = False
            elif inside and mark not in {delimiter, "\r", "\n"} and number > opened:
                return opened
            elif begins and mark == QUOTE:
                opened, inside, closing, begins = number, True, False, False
            else:
                inside, begins = False, mark == delimiter
    return opened if inside and not closing else None


def _refuse_unclosed(lines: Sequence[str], first: int, last: int, delimiter: str) -> None:
    """Raises CannotImport when the record on these lines, counted from 1, swallows its rows."""
    place = _swallows(lines[first - 1 : last], delimiter) if last > first else None
    if place is not None:
        raise CannotImport(
            _(
                "A quotation mark opens a cell on line %(line)d and is not closed, so that the "
                "rows after it would become part of its text. Close it, or double it where it is "
                "meant as a mark."
            )
            % {"line": first + place}
        )


def _shape_problem(cells: int, columns: int, lines: int) -> str:
    """What is wrong with the shape of a record; empty when it fits its header."""
    if lines > MOST_LINES:
        return _(
            "It goes over %(lines)d lines: a quotation mark is closed far from where it opens."
        ) % {"lines": lines}
    if cells != columns:
        return ngettext(
            "It has %(cells)d cell where the header has %(columns)d.",
            "It has %(cells)d cells where the header has %(columns)d.",
            cells,
        ) % {"cells": cells, "columns": columns}
    return ""


def _rows(text: str, delimiter: str) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter)
    line = 1
    try:
        header: list[str] = []
        for header in reader:
            _refuse_unclosed(lines, line, reader.line_num, delimiter)
            line = reader.line_num + 1
            if any(cell.strip() for cell in header):
                break
        if not any(cell.strip() for cell in header):
            raise CannotImport(_("The file is empty."))
        names = _named(header)
        kept = [name for name in names if name not in ADDED]
        rows: list[Row] = []
        for cells in reader:
            start, line = line, reader.line_num + 1
            _refuse_unclosed(lines, start, reader.line_num, delimiter)
            if not any(cell.strip() for cell in cells):
                continue
            problem = _shape_problem(len(cells), len(names), line - start)
            by_name = dict(zip(names, map(_unquoted, cells), strict=False))
            kept_cells = {name: by_name.get(name, "") for name in kept}
            rows.append(Row(start, kept_cells, problem, tuple(cells[len(names) :])))
    except csv.Error as error:
        # What an open mark swallows soon grows past the largest cell that is read.
        _refuse_unclosed(lines, line, reader.line_num, delimiter)
        raise CannotImport(
            _("Line %(line)d cannot be read as CSV.") % {"line": reader.line_num}
        ) from error
    return tuple(kept), tuple(rows)
