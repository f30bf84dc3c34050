"""Values that are written light are read as what the driver would have written."""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import Jsonb
from django.db.models import TextChoices

from common.light import light
from common.prepared import prepared

pytestmark = pytest.mark.django_db

NASTY = """it's "quoted", back\\slashed, {braced}, NULL, ñ 🙂, 100 %"""


class Word(TextChoices):
    ISSUED = "issued", "Issued"


MOMENT = dt.datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=ZoneInfo("Europe/Madrid"))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uuid", uuid.uuid4()),
        ("timestamptz", MOMENT),
        ("timestamptz", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("date", dt.date(2026, 2, 28)),
        ("text", NASTY),
        ("text", Word.ISSUED),
        ("bigint", -(2**63)),
        ("boolean", True),
        ("bytea", b"\\0'\x00\xff"),
        ("jsonb", Jsonb({"a": [1, NASTY, None], "ñ": 1.5})),
        ("jsonb", Jsonb(None)),
        ("text[]", [NASTY, "", "NULL", "null", " ", "{}", "a,b", "\n"]),
        ("text[]", [NASTY, None]),
        ("text[]", []),
        ("bigint[]", [1, -2, 3]),
        ("date[]", [dt.date(2026, 2, 28), dt.date(1970, 1, 1)]),
        ("uuid[]", [uuid.uuid4(), uuid.uuid4()]),
        ("bytea[]", [b"\\0'\x00\xff", b""]),
    ],
)
def test_the_server_reads_the_same(kind: str, value: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT (%s)::{kind}::text", [value])
        wanted = cursor.fetchone()
        statement = prepared(cursor, f"SELECT %s::{kind}::text AS read")
        cursor.execute(statement, light([value]))
        assert cursor.fetchone() == wanted


def test_what_it_cannot_write_is_refused() -> None:
    with pytest.raises(TypeError):
        light([[[1]]])


def test_nothing_else_is_touched() -> None:
    values = ["a", 1, True, None, b"x", 1.5]
    assert light(values) == values
