"""The backend that begins a transaction with its first statement, and ends one with its last."""

from typing import Any

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS

from audit.actions import SYSTEM, event
from audit.models import AuditEvent
from common.joined import Part, fetch_all
from common.prepared import send_along
from common.rows import insert

pytestmark = pytest.mark.django_db(transaction=True)


def _status() -> int:
    connection.ensure_connection()
    return connection.connection.get_transaction_status()  # type: ignore[no-any-return]


def _row() -> AuditEvent:
    return event(act="test.done", by=SYSTEM, object_kind="test", object_id="1")


def _written() -> int:
    return AuditEvent.objects.filter(act="test.done").count()


def _execute(sql: str, values: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_the_first_statement_begins_the_transaction() -> None:
    with transaction.atomic():
        assert _status() == TRANSACTION_STATUS_IDLE
        _execute("SELECT 1")
        assert _status() == TRANSACTION_STATUS_INTRANS
    assert _status() == TRANSACTION_STATUS_IDLE


def test_an_error_takes_everything_back() -> None:
    with transaction.atomic():
        insert(_row())
        transaction.set_rollback(True)
    assert _written() == 0


@pytest.mark.parametrize("unreadable", ["SELEC 1", "SELECT %s"])
def test_a_statement_that_cannot_be_read_leaves_the_transaction_to_begin(unreadable: str) -> None:
    with transaction.atomic():
        with pytest.raises((ProgrammingError, IndexError, TypeError)):
            _execute(unreadable, [] if "%s" in unreadable else None)
        insert(_row())
        assert _status() == TRANSACTION_STATUS_INTRANS
        transaction.set_rollback(True)
    assert _written() == 0


def test_several_values_at_once_begin_it_too() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.executemany("SELECT pg_notify('test', %s)", [["a"], ["b"]])
        assert _status() == TRANSACTION_STATUS_INTRANS
        transaction.set_rollback(True)
    assert _status() == TRANSACTION_STATUS_IDLE


def test_rows_are_read_in_chunks_inside_a_transaction() -> None:
    insert(_row())
    with transaction.atomic():
        assert [row.act for row in AuditEvent.objects.iterator(chunk_size=1)] == ["test.done"]
        assert _status() == TRANSACTION_STATUS_INTRANS


def test_the_last_statement_brings_the_commit_along() -> None:
    told: list[int] = []
    with transaction.atomic():
        transaction.on_commit(lambda: told.append(_written()))
        insert(_row(), and_commit=True)
        assert _status() == TRANSACTION_STATUS_IDLE
        assert told == []
    assert told == [1]


def test_a_part_of_something_larger_is_not_committed_alone() -> None:
    with transaction.atomic():
        with transaction.atomic():
            insert(_row(), and_commit=True)
        with transaction.atomic(savepoint=False):
            insert(_row(), and_commit=True)
        transaction.set_rollback(True)
    assert _written() == 0


def test_a_part_that_asks_nothing_is_never_opened() -> None:
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        _execute("SELECT 1")
        with transaction.atomic():
            pass
        with transaction.atomic():
            _execute("SELECT 2")
        _execute("SELECT 3")
    said = [query["sql"] for query in queries]
    assert [sql.count("SAVEPOINT") for sql in said if "SELECT" in sql] == [0, 1, 1]


@transaction.atomic
def _fail(*, writing: bool) -> None:
    if writing:
        insert(_row())
    _execute("SELECT 1/0")


@pytest.mark.parametrize("writing", [True, False])
def test_only_a_part_that_fails_is_taken_back(writing: bool) -> None:
    with transaction.atomic():
        insert(_row())
        with pytest.raises(DataError):
            _fail(writing=writing)
        insert(_row())
    assert _written() == 2


def test_what_was_taken_back_before_it_was_opened_leaves_nothing_open() -> None:
    with transaction.atomic():
        with transaction.atomic():
            transaction.set_rollback(True)
        insert(_row())
        with transaction.atomic():
            insert(_row())
            with transaction.atomic():
                insert(_row())
            with transaction.atomic():
                pass
            transaction.set_rollback(True)
        with transaction.atomic():
            insert(_row())
    assert _written() == 2


def test_a_part_whose_statement_cannot_be_read_ends_the_transaction_around_it() -> None:
    """The server reads all of a trip before it does any, so there is no part to go back to."""
    with transaction.atomic():
        insert(_row())
        with pytest.raises(ProgrammingError), transaction.atomic():
            _execute("SELEC 1")
        with pytest.raises(transaction.TransactionManagementError):
            insert(_row())
    assert _written() == 0


_REFUSING = "SELECT guard_room(%s, %s)"


def _refused() -> None:
    send_along(_REFUSING, [1, 2])
    insert(_row())


def test_what_goes_along_goes_on_the_trip_of_the_next_statement() -> None:
    for _again in range(2):
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            send_along(_REFUSING, [1, 1])
            insert(_row())
        # Of the second time, when the server has both: their trip, and the end.
        said = [query["sql"] for query in queries]
    assert [sql.count("EXECUTE") for sql in said if "EXECUTE" in sql] == [2]
    assert _written() == 2


def test_what_goes_along_refuses_for_the_statement_that_it_goes_with() -> None:
    with pytest.raises(IntegrityError, match="no room"), transaction.atomic():
        _refused()
    assert _written() == 0


def test_a_part_that_was_refused_by_what_went_along_is_taken_back_alone() -> None:
    with transaction.atomic():
        insert(_row())
        with pytest.raises(IntegrityError, match="no room"), transaction.atomic():
            _refused()
        insert(_row())
    assert _written() == 2


def test_what_goes_along_with_nothing_is_not_sent() -> None:
    with transaction.atomic():
        send_along(_REFUSING, [1, 2])
    with transaction.atomic():
        insert(_row())
    assert _written() == 1


def test_nothing_goes_along_outside_a_transaction() -> None:
    with pytest.raises(RuntimeError):
        send_along(_REFUSING, [1, 1])
    insert(_row())
    assert _written() == 1


def test_rows_are_read_after_the_statements_that_go_before_them() -> None:
    write = (
        "INSERT INTO audit_auditevent (actor_kind, actor_id, actor_name, role, act, object_kind, "
    )
    write += "object_id, about_id, market_code, reason, request_id) "
    write += "VALUES ('system', '', '', '', 'test.done', 'test', %s, '', '', '', '')"
    part = Part("row", AuditEvent, frozenset({"before", "after"}))
    found = fetch_all(
        "FROM audit_auditevent AS row WHERE row.act = %s ORDER BY row.id",
        ["test.done"],
        (part,),
        also="row.id * 2, 'x'",
        after=[(write, ["first"]), (write, ["second"])],
    )
    assert [(row.object_id, twice == 2 * row.pk, text) for row, twice, text in found] == [
        ("first", True, "x"),
        ("second", True, "x"),
    ]
