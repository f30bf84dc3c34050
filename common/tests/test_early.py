"""A transaction with hot rows lets go of them before it waits for the disk; no other one does."""

from typing import Any

import pytest
from django.db import connection, transaction

from common.postgres.base import ON_DISK
from common.transactions import release_early

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How transactions ended from here on."""
    connection.ensure_connection()
    words: list[str] = []
    end = type(connection.connection)._end

    def kept(link: object, word: str) -> None:
        words.append(word)
        end(link, word)

    monkeypatch.setattr(type(connection.connection), "_end", kept)
    return words


def _write() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")


@pytest.mark.parametrize("is_prepared", [True, False])
def test_the_wait_follows_the_commit(sent: list[str], settings: Any, is_prepared: bool) -> None:
    settings.PREPARED_STATEMENTS = is_prepared
    with transaction.atomic():
        _write()
        with transaction.atomic():
            release_early()
    with transaction.atomic():
        _write()
    wait = "EXECUTE recovery_on_disk" if is_prepared else ON_DISK
    assert sent == [f"SET LOCAL synchronous_commit TO off; COMMIT; {wait}", "COMMIT"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        configured = cursor.fetchone()
        cursor.execute("RESET synchronous_commit; SHOW synchronous_commit")
        assert cursor.fetchone() == configured


def test_what_is_taken_back_leaves_nothing_of_it(sent: list[str]) -> None:
    with transaction.atomic():
        release_early()
        _write()
        transaction.set_rollback(True)
    with transaction.atomic():
        _write()
    assert sent == ["ROLLBACK", "COMMIT"]
