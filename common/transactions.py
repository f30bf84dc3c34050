"""Transactions: reads that see one moment, and where a transaction may end with a statement."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Lets several reads see one moment, for figures that are held against each other.

    Reads only. Inside a larger transaction nothing is added to it.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def may_commit() -> bool:
    """Whether a commit here would end the one transaction that is open, and nothing larger."""
    return connection.in_atomic_block and not connection.savepoint_ids
