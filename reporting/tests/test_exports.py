"""Files for people: byte order mark, typed cells, and no cell that a spreadsheet would run."""

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from accounts.models import Market
from reporting.exports import Column, Kind, Table, clean, style_of, to_bytes

MEXICO = Market(currency="MXN", locale="es-MX", time_zone="America/Mexico_City")
COLOMBIA = Market(currency="COP", locale="es-CO", time_zone="America/Bogota")
CHILE = Market(currency="CLP", locale="es-CL", time_zone="America/Santiago")

COLUMNS = [
    Column("Folio"),
    Column("Cases", Kind.COUNT),
    Column("Value", Kind.MONEY),
    Column("Share", Kind.SHARE),
    Column("Date", Kind.DATE),
    Column("At", Kind.MOMENT),
]
ROW = [
    "MX-2026-000001",
    12,
    1234_50,
    Decimal("0.715"),
    dt.date(2026, 11, 21),
    dt.datetime(2026, 11, 22, 3, 15, 59, tzinfo=dt.UTC),
]
# What would be run, or read as something else, when it begins a cell.
DANGEROUS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    '=HYPERLINK("http://x","y")',
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "\x00=1+1",
    "|calc",
    "%0A=1",
    "＝1+1",  # noqa: RUF001
    "＋1",  # noqa: RUF001
]


def table(rows: Any = (ROW,), **fields: Any) -> Table:
    return Table("Issuance", COLUMNS, rows, **fields)


def sheet_of(data: bytes) -> Any:
    return load_workbook(io.BytesIO(data)).active


def read_csv(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=delimiter))


def test_a_csv_begins_with_the_mark_and_its_columns() -> None:
    data = to_bytes("csv", [table(notes=["Cut at 1 row"])], style_of(MEXICO))
    assert data.startswith(b"\xef\xbb\xbfFolio,")
    assert read_csv(data) == [
        ["Folio", "Cases", "Value", "Share", "Date", "At"],
        ["MX-2026-000001", "12", "1234.50", "0.7150", "2026-11-21", "2026-11-21 21:15"],
        ["Cut at 1 row"],
    ]


@pytest.mark.parametrize(
    ("market", "delimiter", "mark", "value"),
    [
        (MEXICO, "", ",", "1234.50"),
        (COLOMBIA, "", ";", "1234,50"),
        (COLOMBIA, "comma", ",", "1234,50"),
        (MEXICO, "tab", "\t", "1234.50"),
        (MEXICO, "nonsense", ",", "1234.50"),
        (CHILE, "", ";", "123450"),
    ],
)
def test_amounts_and_delimiters_are_the_markets(
    market: Market, delimiter: str, mark: str, value: str
) -> None:
    data = to_bytes("csv", [table()], style_of(market, delimiter))
    assert read_csv(data, mark)[1][2] == value


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_of_a_csv_begins_a_formula(text: str) -> None:
    data = to_bytes("csv", [table([[text, *ROW[1:]]])], style_of(MEXICO))
    shown = read_csv(data)[1][0]
    assert shown.startswith("'")
    assert shown[1:].replace("\\|", "|") == clean(text)


@pytest.mark.parametrize("text", [*DANGEROUS, "#N/A", "'x", "plain"])
def test_no_cell_of_a_workbook_is_a_formula(text: str) -> None:
    data = to_bytes("xlsx", [table([[text, *ROW[1:]]])], style_of(MEXICO))
    cell = sheet_of(data)["A2"]
    assert cell.data_type == "s"
    assert cell.value == clean(text)


def test_negative_amounts_stay_numbers() -> None:
    row = ["x", -3, -1234_50, Decimal("-0.25"), None, None]
    assert read_csv(to_bytes("csv", [table([row])], style_of(MEXICO)))[1] == [
        "x",
        "-3",
        "-1234.50",
        "-0.2500",
        "",
        "",
    ]


def test_cells_of_a_workbook_have_their_types() -> None:
    data = to_bytes("xlsx", [table(notes=["To date"])], style_of(MEXICO))
    sheet = sheet_of(data)
    note, heads, cells = sheet.iter_rows()
    assert note[0].value == "To date"
    assert heads[0].value == "Folio"
    assert [cell.data_type for cell in cells] == ["s", "n", "n", "n", "d", "d"]
    assert cells[2].value == 1234.5
    assert cells[2].number_format == "#,##0.00"
    assert cells[5].value == dt.datetime(2026, 11, 21, 21, 15, 59)  # noqa: DTZ001


def test_several_tables_share_a_file() -> None:
    two = [table(), Table("Issuance", [Column("Who")], [["Ana"]])]
    book = load_workbook(io.BytesIO(to_bytes("xlsx", two, style_of(MEXICO))))
    assert book.sheetnames == ["Issuance", "Issuance 2"]
    lines = read_csv(to_bytes("csv", two, style_of(MEXICO)))
    assert [line[0] if line else "" for line in lines] == [
        "Issuance",
        "Folio",
        "MX-2026-000001",
        "",
        "Issuance",
        "Who",
        "Ana",
    ]


def test_there_are_two_kinds_of_file() -> None:
    with pytest.raises(ValueError, match="pdf"):
        to_bytes("pdf", [table()], style_of(MEXICO))


def test_a_workbook_closes_its_formulas_against_editing_too() -> None:
    data = to_bytes("xlsx", [table([["=1+1", *ROW[1:]]])], style_of(MEXICO))
    assert sheet_of(data)["A2"].quotePrefix
