"""Tables as files for people: CSV and XLSX, with nothing in them that a spreadsheet would run.

What a table holds is the caller's affair; that an export happened is recorded by
`actions.exporting`. Cells are typed by their column, so a folio or a phone number stays text and an
amount, given in minor units, becomes a number with its decimals.
"""

import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from defusedcsv import csv
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from accounts.models import Market
from common.money import SEPARATORS, digits

# A file with more rows helps nobody and holds a web worker for too long.
MOST_ROWS = 50_000
FORMATS = ("csv", "xlsx")
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
# Excel needs it to read UTF-8 as what it is.
BOM = "\ufeff"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
# What a spreadsheet in an East Asian locale also takes for the beginning of a formula.
_WIDE_SIGNS = "＝＋－＠"  # noqa: RUF001
_WIDEST = 48
# Characters of a file that is sent as it is written.
_PIECE = 64_000


class Kind(Enum):
    """What the cells of a column are. Every kind may also be None: an empty cell."""

    TEXT = "text"
    COUNT = "count"
    MONEY = "money"  # minor units
    SHARE = "share"  # a Decimal, 0.5 for one half
    DATE = "date"
    MOMENT = "moment"  # aware; written in the market's time zone
    LOCAL = "local"  # aware; written in the zone it carries, which another column names


@dataclass(frozen=True, slots=True)
class Column:
    label: str | Promise
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file. `notes` stand above it: what was asked, how fresh it is, what is cut."""

    title: str | Promise
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    notes: Sequence[str | Promise] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How a market writes: currency, decimal mark, time zone, and the delimiter of a CSV."""

    currency: str
    point: str
    zone: ZoneInfo
    delimiter: str = field(default=",")

    @property
    def places(self) -> int:
        return digits(self.currency)


def style_of(market: Market, delimiter: str = "") -> Style:
    """The market's own; `delimiter` is a name of DELIMITERS, anything else the market's custom.

    Where the decimal mark is a comma, spreadsheets expect a semicolon between cells.
    """
    point = SEPARATORS.get(market.locale, (",", "."))[1]
    usual = ";" if point == "," else ","
    return Style(
        market.currency, point, ZoneInfo(market.time_zone), DELIMITERS.get(delimiter, usual)
    )


def asked_format(request: HttpRequest) -> str:
    """`csv` or `xlsx` where the address asks for a file by `export`; empty for a page."""
    wanted = request.GET.get("export", "")
    return wanted if wanted in FORMATS else ""


def respond(
    request: HttpRequest, name: str, tables: Sequence[Table], market: Market
) -> HttpResponse:
    """The file that the address asks for, as a download called `name` with its ending."""
    kind = asked_format(request)
    style = style_of(market, request.GET.get("delimiter", ""))
    return HttpResponse(
        to_bytes(kind, tables, style),
        content_type=CONTENT_TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{_slug(name)}.{kind}"',
            "Cache-Control": "no-store",
        },
    )


def to_bytes(kind: str, tables: Sequence[Table], style: Style) -> bytes:
    """One file of one or more tables. Raises ValueError for a kind that is not in FORMATS."""
    if kind == "csv":
        return _csv(tables, style)
    if kind == "xlsx":
        return _xlsx(tables, style)
    raise ValueError(kind)


def clean(value: object) -> str:
    """Text that hides nothing: no control characters, nothing before its first visible one."""
    return _CONTROL.sub("", str(value)).strip()


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "export"


def _exact(value: Any, kind: Kind, style: Style) -> Any:
    """The cell as the number, date or text that it is."""
    if value is None:
        return None
    match kind:
        case Kind.MONEY:
            return Decimal(int(value)).scaleb(-style.places)
        case Kind.COUNT:
            return int(value)
        case Kind.SHARE:
            return Decimal(value).quantize(Decimal("0.0001"))
        case Kind.MOMENT:
            # Spreadsheets know no zones: the market's own clock, as people there read it.
            return value.astimezone(style.zone).replace(tzinfo=None, microsecond=0)
        case Kind.LOCAL:
            return value.replace(tzinfo=None, microsecond=0)
        case Kind.DATE:
            return value
    return clean(value)


def _written(value: Any, kind: Kind, style: Style) -> str:
    """The same for a CSV."""
    exact = _exact(value, kind, style)
    if exact is None:
        return ""
    if isinstance(exact, Decimal):
        return f"{exact:f}".replace(".", style.point)
    if isinstance(exact, dt.datetime):
        return exact.isoformat(" ", "minutes")
    if isinstance(exact, dt.date):
        return exact.isoformat()
    text = str(exact)
    return f"'{text}" if text[:1] and text[0] in _WIDE_SIGNS else text


def _lines(tables: Sequence[Table], style: Style) -> Iterator[list[str]]:
    for number, table in enumerate(tables):
        if number:
            yield []
        if len(tables) > 1:
            yield [clean(table.title)]
        yield [clean(column.label) for column in table.columns]
        for row in table.rows:
            yield [
                _written(value, column.kind, style)
                for value, column in zip(row, table.columns, strict=True)
            ]
        for note in table.notes:
            yield [clean(note)]


def _csv(tables: Sequence[Table], style: Style) -> bytes:
    """The columns' names come first, so that a program reads it too; notes stand at the end."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=style.delimiter, lineterminator="\r\n")
    writer.writerows(_lines(tables, style))
    return (BOM + text.getvalue()).encode()


def stream_csv(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], style: Style
) -> Iterator[bytes]:
    """One table as CSV, in pieces as its rows come: a file of any length in bounded memory."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=style.delimiter, lineterminator="\r\n")
    text.write(BOM)
    writer.writerow([clean(column.label) for column in columns])
    for row in rows:
        writer.writerow(
            [
                _written(value, column.kind, style)
                for value, column in zip(row, columns, strict=True)
            ]
        )
        if text.tell() > _PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


_FORMATS = {
    Kind.COUNT: "#,##0",
    Kind.SHARE: "0.0%",
    Kind.DATE: "yyyy-mm-dd",
    Kind.MOMENT: "yyyy-mm-dd hh:mm",
    Kind.LOCAL: "yyyy-mm-dd hh:mm",
}


def _xlsx(tables: Sequence[Table], style: Style) -> bytes:
    book = Workbook(write_only=True)
    names: set[str] = set()
    for table in tables:
        sheet = book.create_sheet(_sheet_name(clean(table.title), names))
        _fill(sheet, table, style)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _sheet_name(title: str, taken: set[str]) -> str:
    """At most 31 characters without those that a sheet's name may not hold, once in the file."""
    base = re.sub(r"[\[\]:*?/\\']", " ", title).strip()[:28] or "1"
    name = base
    number = 2
    while name.lower() in taken:
        name, number = f"{base} {number}", number + 1
    taken.add(name.lower())
    return name


def _text_cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    """A cell that stays text, whatever it begins with and whoever edits it later."""
    cell: Cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    if text[:1] and text[0] in "=+-@" + _WIDE_SIGNS:
        cell.quotePrefix = True
    return cell


def _fill(sheet: WriteOnlyWorksheet, table: Table, style: Style) -> None:
    formats = {
        **_FORMATS,
        Kind.MONEY: "#,##0" + (f".{'0' * style.places}" if style.places else ""),
    }
    dimensions: Any = sheet
    for place, column in enumerate(table.columns, start=1):
        width = max(len(clean(column.label)) + 2, 24 if column.kind is Kind.TEXT else 12)
        dimensions.column_dimensions[get_column_letter(place)].width = min(width, _WIDEST)
    sheet.freeze_panes = f"A{len(table.notes) + 2}"
    for note in table.notes:
        sheet.append([_text_cell(sheet, clean(note))])
    heads = [_text_cell(sheet, clean(column.label)) for column in table.columns]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in table.rows:
        cells: list[Any] = []
        for value, column in zip(row, table.columns, strict=True):
            exact = _exact(value, column.kind, style)
            if isinstance(exact, str):
                # A plain string is quicker to write, and safe unless it could be a formula.
                cells.append(_text_cell(sheet, exact) if exact[:1] in _RISKY else exact)
                continue
            if exact is None:
                cells.append(None)
                continue
            cell = WriteOnlyCell(sheet, value=exact)
            cell.number_format = formats[column.kind]
            cells.append(cell)
        sheet.append(cells)


# Openpyxl also reads a few error names, such as #N/A, out of plain strings.
_RISKY = frozenset("=+-@#" + _WIDE_SIGNS)
