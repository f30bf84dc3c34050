"""Importing CSV: what is understood, what is refused, and that a second run adds nothing."""

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Market
from accounts.tests.factories import MarketFactory
from audit.models import AuditEvent
from common.errors import Refusal
from incidents.actions import reopen_incident
from incidents.importing import writing
from incidents.importing.dates import decide_order, read_moment
from incidents.importing.errors import CannotImport, RowRefused
from incidents.importing.mapping import complete, read_mapping
from incidents.importing.reading import detect_delimiter, detect_encoding, read_table
from incidents.importing.refused import refused_path
from incidents.importing.words import plain
from incidents.models import Category, ContactPoint, Customer, Incident, RecoveryStep
from incidents.selectors import search_incidents, visible_incidents

from .conftest import Desk
from .factories import CategoryFactory

HEADER = "Folio,Fecha,Motivo,Descripción,Cliente,Teléfono,Correo,Canal,Importe"
ROWS = [
    "Q-1,13/02/2026,Motivo noise,Ruido toda la noche,Íñigo Núñez,55 1234 5678,,teléfono,1200.50",
    "Q-2,01/02/2026,room,Sin agua caliente,Ana Peña,,ana@example.com,correo,",
    "Q-3,02/02/2026,algo raro,Nadie contestó,,,,paloma,",
]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path


@pytest.fixture
def other(desk: Desk) -> str:
    category: Category = CategoryFactory.create(market=desk.market, code="other")
    return category.code


def sheet(folder: Path, *lines: str, name: str = "quejas.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def run(path: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("import_incidents", str(path), stdout=out, **options)
    return out.getvalue()


def refused(path: Path) -> list[dict[str, str]]:
    text = refused_path(path.name).read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.usefixtures("other")
def test_a_sheet_becomes_cases(desk: Desk, folder: Path) -> None:
    said = run(sheet(folder, HEADER, *ROWS), market="mx")
    first, second, third = Incident.objects.order_by("folio")
    zone = ZoneInfo("America/Mexico_City")
    assert first.occurred_at == dt.datetime(2026, 2, 13, 12, tzinfo=zone)
    assert (first.category, first.channel, first.severity) == (desk.noise, "phone", "minor")
    assert (first.amount_at_stake_minor, first.currency) == (1200_50, "MXN")
    assert first.customer.name == "Íñigo Núñez"
    assert first.customer.contacts.get().value == "+525512345678"
    assert (second.category, second.channel) == (desk.room, "email")
    assert second.customer.preferred_channel == "email"
    assert (third.category.code, third.channel) == ("other", "web")
    assert "quejas.csv" in third.customer.name
    assert (first.state, first.owner, first.compensate_due_at) == ("open", None, None)
    assert RecoveryStep.objects.count() == 3
    assert AuditEvent.objects.filter(act="incident.imported").count() == 3
    assert "utf-8" in said
    assert "dmy" in said
    assert search_incidents(visible_incidents(desk.agent), "inigo nunez").get() == first


@pytest.mark.usefixtures("other")
def test_a_second_run_adds_nothing(desk: Desk, folder: Path) -> None:
    path = sheet(folder, HEADER, *ROWS)
    run(path, market="MX")
    counts = (Incident.objects.count(), Customer.objects.count(), AuditEvent.objects.count())
    run(path, market="MX")
    renamed = sheet(folder, HEADER, *ROWS, name="otra.csv", encoding="cp1252")
    run(renamed, market="MX")
    columns = [*range(1, 9), 0]
    moved = [",".join(line.split(",")[i] for i in columns) for line in (HEADER, *ROWS)]
    run(sheet(folder, *moved), market="MX")
    assert counts == (
        Incident.objects.count(),
        Customer.objects.count(),
        AuditEvent.objects.count(),
    )
    grown = sheet(folder, HEADER, *ROWS, "Q-4,03/02/2026,room,Otra vez,,,,web,", name="grown.csv")
    run(grown, market="MX")
    assert Incident.objects.count() == counts[0] + 1


@pytest.mark.usefixtures("other")
def test_another_mapping_of_the_same_rows_adds_nothing(desk: Desk, folder: Path) -> None:
    path = sheet(folder, HEADER, *ROWS)
    run(path, market="MX")
    mapping = folder / "map.json"
    mapping.write_text(json.dumps({"columns": {"narrative": "Descripción"}}))
    run(path, market="MX", mapping=str(mapping))
    assert Incident.objects.count() == 3


@pytest.mark.usefixtures("other")
def test_a_dry_run_shows_and_writes_nothing(desk: Desk, folder: Path) -> None:
    before = AuditEvent.objects.count()
    said = run(sheet(folder, HEADER, *ROWS, "Q-5,x,,,,,,,"), market="MX", dry_run=True)
    for text in ("utf-8", "narrative <- Descripción", "Q-1", "Q-2", "Q-3", "paloma", "dmy"):
        assert text in said
    assert not Incident.objects.exists()
    assert not Customer.objects.exists()
    assert AuditEvent.objects.count() == before
    assert not (folder / "var").exists()


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("dry_run", [True, False])
def test_columns_that_are_not_used_are_named(desk: Desk, folder: Path, dry_run: bool) -> None:
    Market.objects.update(language="en")
    path = sheet(folder, "folio,queja,Urgencia,Barrio", "1,Ruido,NO,Centro")
    said = run(path, market="MX", dry_run=dry_run)
    assert "Columns that were not used: Urgencia, Barrio." in said
    assert "1 row, 4 columns" in said
    one = sheet(folder, "queja,Urgencia", "Frío,NO", "Calor,NO", name="one.csv")
    said = run(one, market="MX", dry_run=dry_run)
    assert "Column that was not used: Urgencia." in said
    assert "2 rows, 2 columns" in said
    every = sheet(folder, "queja", "Otra cosa", name="every.csv")
    assert "not used" not in run(every, market="MX", dry_run=dry_run)


@pytest.mark.usefixtures("other")
def test_everything_wrong_with_a_row_is_said_at_once(desk: Desk, folder: Path) -> None:
    Market.objects.update(language="en")
    wrong = "Q-9,31/31/2026,room,,Ana Peña,12,ana@,correo,x"
    path = sheet(folder, HEADER, *ROWS, wrong, "Q-8,02/02/2026,room,,,,,,")
    said = run(path, market="MX")
    reason = refused(path)[0]["refused_reason"]
    for text in (
        "Nothing says what happened",
        "is not a date",
        "is not an amount",
        "phone",
        "email",
    ):
        assert text in reason
        assert text in said
    assert "2 refused (first on line 5): Nothing says what happened" in said
    assert "1 refused (first on line 5): “31/31/2026” is not a date" in said
    assert "refused 2." in said


@pytest.mark.usefixtures("other")
def test_rows_without_a_date_are_told(desk: Desk, folder: Path) -> None:
    Market.objects.update(language="en")
    undated = [f"Q-{number},,room,Sin agua {number},,,,web," for number in (4, 5)]
    path = sheet(folder, HEADER, *ROWS, *undated)
    words = "2 rows without a date: logged as of the import"
    assert words in run(path, market="MX", dry_run=True)
    assert words in run(path, market="MX")
    assert Incident.objects.filter(occurred_at=None).count() == 2
    # They are there already, and everything of the next file has its date.
    assert "without a date" not in run(path, market="MX")


@pytest.mark.usefixtures("other")
def test_a_mapping_gives_a_day_to_rows_without_one(desk: Desk, folder: Path) -> None:
    Market.objects.update(language="en")
    mapping = folder / "mapping.csv"
    mapping.write_text("defaults.date,2026-01-31\n")
    path = sheet(folder, HEADER, ROWS[0], "Q-4,,room,Sin agua,,,,web,")
    assert "without a date" not in run(path, market="MX", mapping=str(mapping))
    zone = ZoneInfo("America/Mexico_City")
    found = Incident.objects.order_by("occurred_at").values_list("occurred_at", flat=True)
    assert [moment.astimezone(zone).date() for moment in found if moment] == [
        dt.date(2026, 1, 31),
        dt.date(2026, 2, 13),
    ]


@pytest.mark.parametrize("day", ["31/01/2026", "20260131", "2026-02-30", "mañana", ""])
def test_a_day_of_a_mapping_is_written_in_one_way(folder: Path, day: str) -> None:
    mapping = folder / "mapping.csv"
    mapping.write_text(f"defaults.date,{day}\n")
    with pytest.raises(CannotImport, match=r"defaults\.date"):
        read_mapping(mapping)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.usefixtures("other")
def test_encodings_and_delimiters_are_found_out(
    desk: Desk, folder: Path, encoding: str, delimiter: str
) -> None:
    lines = [line.replace(",", delimiter) for line in (HEADER, *ROWS)]
    said = run(sheet(folder, *lines, encoding=encoding), market="MX")
    assert Incident.objects.count() == 3
    assert Customer.objects.filter(name="Íñigo Núñez").exists()
    # Latin-1 without control characters is the same bytes as cp1252.
    names = {"latin-1": ("latin-1", "cp1252")}.get(encoding, (encoding,))
    assert any(name in said for name in names)


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    for raw in (b"PK\x03\x04\x00\x00\x00", b""):
        path = folder / "x.csv"
        path.write_bytes(raw)
        with pytest.raises(CannotImport):
            read_table(path)
    with pytest.raises(CannotImport):
        read_table(folder / "nowhere.csv")
    assert detect_encoding("Sólo “así”".encode("cp1252")) == "cp1252"
    assert detect_delimiter("a;b;c\n1,5;2;3\n2,5;3;4\n") == ";"


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["13/02/2026", "01/02/2026"], "dmy"),
        (["02/13/2026", "01/02/2026"], "mdy"),
        (["2026-02-13", "2026-01-02"], "dmy"),
        (["05/05/2026", ""], "dmy"),
        (["2026-02-13", "1/13/26"], "mdy"),
    ],
)
def test_the_whole_column_decides_the_order(cells: list[str], order: str) -> None:
    assert decide_order(enumerate(cells, start=2)).order == order


@pytest.mark.parametrize("cells", [["13/02/2026", "02/13/2026"], ["01/02/2026", "03/04/2026"]])
@pytest.mark.usefixtures("other")
def test_orders_that_disagree_or_do_not_tell_are_refused_whole(
    desk: Desk, folder: Path, cells: list[str]
) -> None:
    lines = ["folio,fecha,queja", *(f"F-{n},{cell},Ruido" for n, cell in enumerate(cells))]
    path = sheet(folder, *lines)
    for dry in (True, False):
        with pytest.raises(CommandError, match="date_order"):
            run(path, market="MX", dry_run=dry)
    assert not Incident.objects.exists()
    mapping = folder / "map.csv"
    mapping.write_text("date_order,mdy\n")
    run(path, market="MX", mapping=str(mapping))
    fitting = sum(int(cell.split("/")[0]) <= 12 for cell in cells)
    assert Incident.objects.count() == fitting
    if fitting < len(cells):
        assert [row["fecha"] for row in refused(path)] == ["13/02/2026"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("13/02/2026", "2026-02-13T12:00:00-06:00"),
        ("13-2-26 18:05", "2026-02-13T18:05:00-06:00"),
        ("13.02.2026 6:05 p. m.", "2026-02-13T18:05:00-06:00"),
        ("2026-02-13", "2026-02-13T12:00:00-06:00"),
        ("2026/2/13 00:30:15", "2026-02-13T00:30:15-06:00"),
        ("2026-02-13T10:00:00Z", "2026-02-13T10:00:00+00:00"),
        ("2026-02-13 10:00+0200", "2026-02-13T10:00:00+02:00"),
        ("13 de febrero de 2026", "2026-02-13T12:00:00-06:00"),
        ("13-feb-2026", "2026-02-13T12:00:00-06:00"),
        ("Feb 13, 2026", "2026-02-13T12:00:00-06:00"),
    ],
)
def test_dates_are_read_in_the_market_s_zone(text: str, told: str) -> None:
    moment = read_moment(text, "dmy", "America/Mexico_City")
    assert moment is not None
    assert moment.isoformat() == told


@pytest.mark.parametrize(
    "text",
    ["31/02/2026", "02/13/2026", "45321", "ayer", "2026-13-01", "13/02/2026 25:00", "1/2/999"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(RowRefused):
        read_moment(text, "dmy", "America/Mexico_City")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        # To the end of the file.
        (["B1,uno", 'B2,"dos sin cerrar', "B3,tres", "B4,cuatro"], 3),
        # To the opening mark of the next quoted cell: the record would fit the header again.
        (['B1,"uno, y más"', 'B2,"dos sin cerrar', "B3,tres", 'B4,"cuatro, y más"'], 3),
        # Behind a cell with line breaks of its own, which is closed.
        (['"B1', 'bis","uno', "y", 'más"', '"B2', 'bis","dos sin cerrar', "B3,tres"], 7),
        # Longer than any cell that is read.
        (['B1,"sin cerrar', *[f"B{number},{'x' * 900}" for number in range(2, 300)]], 2),
    ],
)
def test_a_mark_that_is_not_closed_swallows_no_row(
    desk: Desk, folder: Path, other: str, lines: list[str], told: int
) -> None:
    Market.objects.update(language="en")
    with pytest.raises(CommandError, match=f"opens a cell on line {told} and is not closed"):
        run(sheet(folder, "folio,queja", *lines, ""), market="MX")
    assert not Incident.objects.exists()


@pytest.mark.usefixtures("other")
def test_quoted_cells_with_line_breaks_and_marks_are_read(desk: Desk, folder: Path) -> None:
    lines = ['1,"Uno', "", 'dijo ""no"", y se fue"', '2,"Dos" y medio', '3,pantalla de 40"', "4,4"]
    run(sheet(folder, "folio,queja", *lines, '"5",""""'), market="MX")
    told = list(Incident.objects.order_by("id").values_list("narrative", flat=True))
    assert sorted(told) == sorted(
        ['Uno\r\n\r\ndijo "no", y se fue', "Dos y medio", 'pantalla de 40"', "4", '"']
    )


@pytest.mark.usefixtures("other")
def test_a_row_over_very_many_lines_is_refused(desk: Desk, folder: Path) -> None:
    Market.objects.update(language="en")
    far = ['2,"dos', *[f"{number},tres" for number in range(3, 120)], '120,final"']
    path = sheet(folder, "folio,queja", "1,uno", *far, "121,otra")
    run(path, market="MX")
    assert Incident.objects.count() == 2
    (row,) = refused(path)
    assert (row["refused_line"], "over 119 lines" in row["refused_reason"]) == ("3", True)


@pytest.mark.usefixtures("other")
def test_refused_rows_are_kept_with_their_reason_and_can_come_back(
    desk: Desk, folder: Path
) -> None:
    path = sheet(
        folder,
        HEADER,
        ROWS[0],
        "Q-1,14/02/2026,room,Otra cosa,,,,web,",
        ROWS[0],
        "Q-5,31/02/2026,room,Fecha imposible,,,,web,",
        "Q-6,01/02/2026,room,,,,,web,",
        "Q-7,01/02/2026,room,Correo malo,,,no es correo,web,",
        "Q-8,01/02/2026,room,Importe malo,,,,web,12.345",
        "Q-9,01/02/2999,room,Futuro,,,,web,",
        "1.23457E+11,01/02/2026,room,Arruinado,,,,web,",
        "Q-10,01/02/2026,room,Sobra una celda,,,,web,,demás",
        "Q-11,01/02/2026,room,Falta una celda",
        "",
    )
    run(path, market="MX")
    assert Incident.objects.count() == 1
    rows = refused(path)
    assert [row["Folio"] for row in rows] == [
        "Q-1", "Q-1", "Q-5", "Q-6", "Q-7", "Q-8", "Q-9", "1.23457E+11", "Q-10", "Q-11",
    ]  # fmt: skip
    assert [row["refused_line"] for row in rows] == [str(line) for line in range(3, 13)]
    assert all(row["refused_reason"] for row in rows)
    assert "demás" in refused_path(path.name).read_text("utf-8-sig")
    assert refused_path(path.name).stat().st_mode & 0o077 == 0

    text = refused_path(path.name).read_text("utf-8-sig")
    mended = folder / "mended.csv"
    fixed = [line for line in text.splitlines() if "Fecha imposible" in line]
    head = text.splitlines()[0]
    mended.write_text("\n".join([head, fixed[0].replace("31/02", "27/02")]), "utf-8")
    run(mended, market="MX")
    assert (
        Incident.objects.get(narrative="Fecha imposible").source
        == Incident.objects.get(narrative="Ruido toda la noche").source
    )
    assert not refused_path("mended.csv").exists()


@pytest.mark.usefixtures("other")
def test_a_reference_that_came_with_other_content_is_refused(desk: Desk, folder: Path) -> None:
    run(sheet(folder, HEADER, *ROWS), market="MX")
    path = sheet(folder, HEADER, ROWS[0].replace("Ruido", "Silencio"), ROWS[1], name="b.csv")
    run(path, market="MX")
    assert Incident.objects.count() == 3
    assert [row["Folio"] for row in refused(path)] == ["Q-1"]


@pytest.mark.usefixtures("other")
def test_rows_without_a_key_are_known_by_what_they_say(desk: Desk, folder: Path) -> None:
    path = sheet(folder, "folio,queja", ",Ruido", ",Frío", ",Ruido", "Q-1,Ruido")
    run(path, market="MX")
    assert Incident.objects.count() == 3
    assert [row["refused_line"] for row in refused(path)] == ["4"]
    run(path, market="MX")
    assert Incident.objects.count() == 3


@pytest.mark.usefixtures("other")
def test_formula_cells_stay_text_and_leave_defused(desk: Desk, folder: Path) -> None:
    formula = '=HYPERLINK(""http://x"")'
    path = sheet(
        folder,
        "folio,queja,correo",
        f'Q-1,"{formula}",',
        f'Q-2,"{formula}",malo',
        "Q-3,@SUM(1),malo",
    )
    run(path, market="MX")
    assert Incident.objects.get().narrative == '=HYPERLINK("http://x")'
    kept = [row["queja"] for row in refused(path)]
    assert kept == ['\'=HYPERLINK("http://x")', "'@SUM(1)"]
    again = read_table(refused_path(path.name))
    assert [row.cells["queja"] for row in again.rows] == ['=HYPERLINK("http://x")', "@SUM(1)"]
    assert again.layout == read_table(path).layout


@pytest.mark.usefixtures("other")
def test_people_are_recognised_by_number_phone_and_email(desk: Desk, folder: Path) -> None:
    known = desk.customer("Ana Peña", phone="5511112222")
    path = sheet(
        folder,
        "folio,queja,cliente,telefono,correo,numero de cliente",
        "1,a,Ana P.,55 1111 2222,,",
        "2,b,Beto,,beto@example.com,",
        "3,c,Beto Ruiz,,BETO@example.com,",
        "4,d,Carla,,,C-1",
        "5,e,Carla otra,,,C-1",
        "6,f,Dora,,,",
        "7,g,dora,,,",
        "8,h,,,,",
    )
    run(path, market="MX")
    by_ref = {row.source_ref.split("#")[0]: row.customer for row in Incident.objects.all()}
    assert by_ref["1"] == known
    assert by_ref["2"] == by_ref["3"]
    assert by_ref["4"] == by_ref["5"]
    assert by_ref["6"] == by_ref["7"]
    assert len(set(by_ref.values())) == 5
    assert ContactPoint.objects.count() == 2
    assert Customer.objects.filter(external_ref__startswith="~").get() == by_ref["8"]


@pytest.mark.usefixtures("other")
def test_a_given_mapping_is_followed(desk: Desk, folder: Path) -> None:
    path = sheet(
        folder,
        "n,cuando,asunto,barrio,via,prisa,monto",
        "7,2/13/2026,Baches,Norte,010,SI,1.234,50",
        "8,3/1/2026,Otro,,WEB,NO,10",
        name="m.csv",
    )
    path.write_text(path.read_text().replace("1.234,50", '"1.234,50"'))
    mapping = folder / "map.json"
    mapping.write_text(
        json.dumps(
            {
                "source": "barrio-2026",
                "decimal": ",",
                "columns": {
                    "reference": "n",
                    "date": "cuando",
                    "category": "asunto",
                    "narrative": ["asunto", "barrio"],
                    "channel": "via",
                    "severity": "prisa",
                    "amount": "monto",
                },
                "values": {
                    "category": {"Baches": "room"},
                    "channel": {"010": "phone"},
                    "severity": {"SI": "critical", "NO": "moderate"},
                },
                "defaults": {"category": "noise"},
            }
        )
    )
    run(path, market="MX", mapping=str(mapping))
    first, second = Incident.objects.order_by("folio")
    assert (first.category, first.channel, first.severity) == (desk.room, "phone", "critical")
    assert first.severity_reason
    assert first.narrative == "asunto: Baches\nbarrio: Norte"
    assert (first.amount_at_stake_minor, first.source) == (1234_50, "barrio-2026")
    assert (second.category, second.channel, second.narrative) == (
        desk.noise,
        "web",
        "asunto: Otro",
    )


@pytest.mark.parametrize(
    "mapping",
    [
        {"colums": {}},
        {"columns": {"narrative": "nada"}},
        {"columns": {"what": "queja"}},
        {"columns": {"date": ["queja", "folio"]}},
        {"columns": {"reference": "folio"}},
        {"date_order": "ydm"},
        {"encoding": "ebcdic"},
        {"values": {"channel": {"x": "pigeon"}}},
        {"values": {"category": {"x": "nothing"}}},
        {"defaults": {"category": "nothing"}},
        {"defaults": []},
        [],
    ],
)
@pytest.mark.usefixtures("other")
def test_a_mapping_that_cannot_be_followed_is_refused(
    desk: Desk, folder: Path, mapping: Any
) -> None:
    path = folder / "map.json"
    path.write_text(json.dumps(mapping))
    with pytest.raises(CommandError):
        run(sheet(folder, "folio,queja", "1,Ruido"), market="MX", mapping=str(path))
    assert not Incident.objects.exists()


def test_a_market_without_a_place_for_the_rest_is_told(desk: Desk, folder: Path) -> None:
    path = sheet(folder, "folio,queja", "1,Ruido")
    with pytest.raises(CommandError, match=r"other.*noise, room"):
        run(path, market="MX")
    mapping = folder / "map.csv"
    mapping.write_text("field,column\ndefaults.category,room\n")
    run(path, market="MX", mapping=str(mapping))
    assert Incident.objects.get().category == desk.room


@pytest.mark.usefixtures("other")
def test_a_file_that_says_nothing_is_told_its_columns(desk: Desk, folder: Path) -> None:
    with pytest.raises(CommandError, match="a, b"):
        run(sheet(folder, "a,b", "1,2"), market="MX")


def test_the_market_is_said_when_there_are_several(desk: Desk, folder: Path, other: str) -> None:
    path = sheet(folder, "folio,queja", "1,Ruido")
    run(path)
    MarketFactory.create(code="ZZ")
    with pytest.raises(CommandError, match="MX, ZZ"):
        run(path)
    with pytest.raises(CommandError, match="MX, ZZ"):
        run(path, market="AR")
    assert Incident.objects.count() == 1


@pytest.mark.usefixtures("other")
def test_every_row_refused_is_a_failure(desk: Desk, folder: Path) -> None:
    with pytest.raises(CommandError):
        run(sheet(folder, "folio,queja,correo", "1,Ruido,malo"), market="MX")
    assert len(refused(folder / "quejas.csv")) == 1


@pytest.mark.usefixtures("other")
def test_a_run_cut_short_goes_on(desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheet(folder, "folio,queja", *(f"{n},Ruido {n}" for n in range(10)))
    monkeypatch.setattr(writing, "CHUNK", 3)
    real, calls = writing._folios, []

    def fail_in_the_third(*args: Any) -> list[str]:
        calls.append(args)
        if len(calls) == 3:
            raise Refusal("the plug was pulled")
        return real(*args)

    monkeypatch.setattr(writing, "_folios", fail_in_the_third)
    with pytest.raises(Refusal):
        run(path, market="MX")
    assert Incident.objects.count() == 6
    monkeypatch.setattr(writing, "_folios", real)
    run(path, market="MX")
    assert Incident.objects.count() == 10
    assert AuditEvent.objects.filter(act="incident.imported").count() == 10


def test_columns_are_proposed_in_both_languages(desk: Desk, folder: Path) -> None:
    for header, wanted in [
        ("Número de pedido,Qué pasó,Sucursal", {"order": 0, "narrative": 1, "location": 2}),
        ("Order ID,What happened?,Guest name", {"order": 0, "narrative": 1, "customer_name": 2}),
        ("FECHA DE REGISTRO,OBSERVACIONES,E-mail", {"date": 0, "narrative": 1, "email": 2}),
    ]:
        table = read_table(sheet(folder, header, "1,a,b"))
        columns = header.split(",")
        proposed = complete(None, table).columns
        for name, place in wanted.items():
            assert proposed[name] == [columns[place]], header


def test_a_csv_mapping_says_the_same_as_a_json_one(folder: Path) -> None:
    one, two = folder / "a.json", folder / "b.csv"
    one.write_text(
        json.dumps(
            {
                "columns": {"reference": ["a", "b"], "date": "c"},
                "values": {"channel": {"0.10": "phone"}},
                "defaults": {"channel": "web"},
                "date_order": "mdy",
            }
        )
    )
    two.write_text(
        "field,column\nreference,a\nreference,b\ndate,c\nvalues.channel.0.10,phone\n"
        "defaults.channel,web\ndate_order,mdy\n"
    )
    assert read_mapping(one) == read_mapping(two)
    assert plain("Nº  Expediénte.") == "n expediente"


def test_imported_rows_are_told_from_today_s(desk: Desk, folder: Path, other: str) -> None:
    run(sheet(folder, "folio,queja", "1,Ruido"), market="MX")
    incident = Incident.objects.get()
    assert incident.logged_at > timezone.now() - dt.timedelta(minutes=1)
    assert incident.resolve_due_at is None
    assert incident.logged_by is None


@pytest.mark.usefixtures("other")
def test_a_row_counts_on_its_own_date(desk: Desk, folder: Path) -> None:
    Market.objects.update(language="en")
    dated = ["1,31/12/2014,Ruido", "2,2015-01-01 00:30,Frío", "3,05/03/1999,Polvo", "4,,Calor"]
    run(sheet(folder, "folio,fecha,queja", *dated), market="MX")
    zone = ZoneInfo("America/Mexico_City")
    cases = {row.narrative: row for row in Incident.objects.all()}
    assert cases["Ruido"].logged_at == dt.datetime(2014, 12, 31, 12, tzinfo=zone)
    assert cases["Frío"].logged_at == dt.datetime(2015, 1, 1, 0, 30, tzinfo=zone)
    assert cases["Calor"].logged_at > timezone.now() - dt.timedelta(minutes=1)
    years = {name: row.folio.split("-")[1] for name, row in cases.items()}
    now = str(timezone.now().astimezone(zone).year)
    assert years == {"Ruido": "2014", "Frío": "2015", "Polvo": "2000", "Calor": now}
    # Lists go by id: the newest first.
    newest = [row.narrative for row in Incident.objects.order_by("-id")]
    assert newest == ["Calor", "Frío", "Ruido", "Polvo"]
    assert not any(row.resolve_due_at or row.compensate_due_at for row in cases.values())
    steps = RecoveryStep.objects.values_list("incident__narrative", "done_at")
    assert dict(steps)["Ruido"] == cases["Ruido"].logged_at


@pytest.mark.usefixtures("other")
def test_a_file_that_is_only_history_is_closed_at_once(desk: Desk, folder: Path) -> None:
    run(sheet(folder, "folio,queja", "1,Ruido"), market="MX", closed=True)
    incident = Incident.objects.get()
    assert (incident.state, incident.closed_at is not None) == ("closed", True)
    after = AuditEvent.objects.get(act="incident.imported").after
    assert after is not None
    assert after["state"] == "closed"
    reopen_incident(incident=incident, reason="Llamó otra vez", by=desk.agent)
    incident.refresh_from_db()
    assert (incident.state, incident.is_imported) == ("in_recovery", True)
