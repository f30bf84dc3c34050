"""The trail cannot be changed, by the running role or by anybody, and never stands alone."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from audit.actions import SYSTEM, record
from audit.models import AuditEvent
from audit.selectors import about

APPEND_ONLY = ("audit_auditevent", "compensations_ledgerentry")


@pytest.fixture
def running_role(transactional_db: None) -> Iterator[Any]:
    """A connection to the test's database as the role that serves requests."""
    call_command("grant_running_role", verbosity=0)
    parameters = dict(connection.get_connection_params())
    own = psycopg2.connect(
        dbname=parameters["dbname"],
        host=parameters.get("host"),
        port=parameters.get("port"),
        user=os.environ["RUNNING_ROLE"],
    )
    own.autocommit = True
    yield own.cursor()
    own.close()


def test_the_running_role_inserts_and_reads_only(running_role: Any) -> None:
    running_role.execute(
        "INSERT INTO audit_auditevent (actor_kind, actor_id, actor_name, role, act, object_kind, "
        "object_id, about_id, market_code, reason, request_id) "
        "VALUES ('system', '', '', '', 'test.done', 'test', '1', '', '', '', '')"
    )
    running_role.execute("SELECT count(*) FROM audit_auditevent")
    assert running_role.fetchone() == (1,)
    running_role.execute("SELECT count(*) FROM compensations_ledgerentry")
    for table in APPEND_ONLY:
        for statement in (
            f"UPDATE {table} SET id = id",  # noqa: S608
            f"DELETE FROM {table}",  # noqa: S608
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TABLE {table}",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                running_role.execute(statement)


@pytest.mark.django_db
def test_even_the_owner_is_refused() -> None:
    with transaction.atomic():
        row = record(act="test.done", by=SYSTEM, object_kind="test", object_id="1")
    assert row.act == "test.done"
    for statement in (
        "UPDATE audit_auditevent SET act = 'x'",
        "DELETE FROM audit_auditevent",
    ):
        with (
            pytest.raises(Exception, match="append only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert list(AuditEvent.objects.values_list("act", flat=True)) == ["test.done"]


@pytest.mark.django_db
def test_emptying_is_refused_where_it_is_not_a_test() -> None:
    with connection.cursor() as cursor:
        for table in APPEND_ONLY:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_no_truncate")
            with (
                pytest.raises(Exception, match="append only"),
                transaction.atomic(),
                connection.cursor() as inner,
            ):
                inner.execute(f"TRUNCATE {table} CASCADE")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_truncate")


@pytest.mark.django_db(transaction=True)
def test_a_row_needs_the_transaction_of_its_change() -> None:
    with pytest.raises(RuntimeError):
        record(act="test.done", by=SYSTEM, object_kind="test", object_id="1")
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_one_objects_life_is_read_in_order() -> None:
    with transaction.atomic():
        record(act="test.one", by=SYSTEM, object_kind="test", object_id="7")
        record(act="test.two", by=SYSTEM, object_kind="other", object_id="9", about_id="7")
        record(act="test.not", by=SYSTEM, object_kind="other", object_id="8")
    assert list(about("7").values_list("act", flat=True)) == ["test.one", "test.two"]
