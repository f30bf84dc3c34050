"""Statements that the server plans once for each connection."""

from typing import Any

import pytest
from django.db import connection, transaction

from common.prepared import prepared, prepared_in_order

pytestmark = pytest.mark.django_db

NAMED = "SELECT %(b)s::int * 10 + %(a)s::int, '100 %%' AS share, %(b)s::int"


def _ask(sql: str, values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, sql), values)
        return cursor.fetchone()


def test_named_marks_keep_their_values_wherever_they_stand() -> None:
    for _again in range(2):
        assert _ask(NAMED, {"a": 1, "b": 2}) == (21, "100 %", 2)


def test_marks_in_order() -> None:
    assert _ask("SELECT %s::text || %s::text", ["a", "b"]) == ("ab",)


def test_a_statement_without_values() -> None:
    assert _ask("SELECT 7", None) == (7,)


def test_the_server_has_it_once() -> None:
    for number in range(3):
        assert _ask("SELECT %s::int + 41", [number]) == (number + 41,)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(generic_plans) FROM pg_prepared_statements "
            "WHERE statement LIKE '%%+ 41%%'"
        )
        assert cursor.fetchone() == (1, 3)


def test_it_is_still_there_after_a_rollback() -> None:
    with transaction.atomic():
        assert _ask("SELECT %s::int + 42", [1]) == (43,)
        transaction.set_rollback(True)
    assert _ask("SELECT %s::int + 42", [2]) == (44,)


def _last(*statements: str, values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(prepared_in_order(cursor, statements), values)
        return cursor.fetchone()


def test_several_are_executed_in_their_order() -> None:
    for number in range(3):
        assert _last("SELECT %s::int + 51", "SELECT %s::int + 52", values=[number, 1]) == (53,)
        assert _last("SELECT %s::int + 52", "SELECT %s::int + 51", values=[number, 1]) == (52,)


def test_another_connection_has_to_prepare_them_itself() -> None:
    statements = ("SELECT 53", "SELECT %s::int + 53")
    assert _last(*statements, values=[1]) == (54,)
    kept = connection.connection
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            assert other.connection is not kept
            cursor.execute(prepared_in_order(cursor, statements), [2])
            assert cursor.fetchone() == (55,)
    finally:
        other.close()


def test_switched_off_it_is_the_statement_itself(settings: Any) -> None:
    settings.PREPARED_STATEMENTS = False
    with connection.cursor() as cursor:
        assert prepared(cursor, NAMED) == NAMED
        assert prepared_in_order(cursor, ("SELECT 1", NAMED)) == f"SELECT 1; {NAMED}"
    assert _ask(NAMED, {"a": 1, "b": 2}) == (21, "100 %", 2)
