"""Rows that are inserted packed are the rows that the ORM would have inserted."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models import TextChoices

from audit.models import AuditEvent
from audit.states import ActorKind
from common.packing import element, look_again
from common.rows import Batch, fresh, insert

pytestmark = pytest.mark.django_db

NASTY = """it's "quoted", back\\slashed, {braced}, NULL, ñ 🙂, 100 %, \n $1 values[1]"""


class Word(TextChoices):
    ISSUED = "issued", "Issued"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uuid", uuid.uuid4()),
        ("timestamptz", dt.datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=dt.UTC)),
        ("date", dt.date(2026, 2, 28)),
        ("text", NASTY),
        ("text", ""),
        ("text", "NULL"),
        ("text", " "),
        ("text", None),
        ("text", Word.ISSUED),
        ("bigint", -(2**63)),
        ("boolean", True),
        ("boolean", False),
        ("bytea", b"\\0'\x00\xff"),
        ("text[]", [NASTY, "", "NULL", "{}"]),
        ("text[]", []),
    ],
)
def test_the_server_reads_the_value(kind: str, value: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE one (value {kind}) ON COMMIT DROP")
        row = f"({element(type(value))(value)})"
        cursor.execute(f"SELECT (%s::one).value::text, (%s)::{kind}::text", [row, value])
        read, wanted = cursor.fetchone()
    assert read == wanted


def test_a_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        element(float)


def _event(**fields: Any) -> AuditEvent:
    values: dict[str, Any] = {
        "actor_kind": ActorKind.SYSTEM,
        "act": "test.done",
        "object_kind": "test",
        "object_id": "1",
    }
    return fresh(AuditEvent, **{**values, **fields})


def test_rows_of_one_statement_keep_their_own_values_and_their_order() -> None:
    after = {"a": [1, NASTY, None, 1.5], "ñ": {"b": True}}
    insert(_event(reason=NASTY, after=after), _event(reason="", before={}), _event(reason="x"))
    rows = AuditEvent.objects.order_by("id").values_list("reason", "before", "after")
    assert list(rows) == [(NASTY, None, after), ("", {}, None), ("x", None, None)]


def test_what_the_database_gives_is_left_to_it() -> None:
    batch = Batch()
    batch.insert(_event())
    batch.send()
    row = AuditEvent.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT now(), audit_transaction(pg_current_xact_id())")
        now, transaction = cursor.fetchone()
    assert abs(row.at - now) < dt.timedelta(minutes=1)
    assert row.txid == transaction


@pytest.fixture
def afterwards_as_before() -> Iterator[None]:
    yield
    look_again()


@pytest.mark.usefixtures("afterwards_as_before")
def test_a_column_that_came_while_the_process_ran_is_left_out_from_the_next_row_on() -> None:
    insert(_event(reason="before"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent ADD COLUMN later text")
    with pytest.raises(DataError, match="malformed record"), transaction.atomic():
        insert(_event(reason="lost"))
    insert(_event(reason="after"))
    assert set(AuditEvent.objects.values_list("reason", flat=True)) == {"before", "after"}


def test_what_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(DataError):
        insert(_event(act="a" * 200))


def test_a_byte_that_no_text_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        insert(_event(reason="a\x00b"))
