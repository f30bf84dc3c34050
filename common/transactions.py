"""Transactions of acts that may be part of a larger one, and of reads that see one moment."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import connection, transaction


def within_transaction() -> AbstractContextManager[Any]:
    """The caller's transaction where there is one, else one of the act's own.

    Without a savepoint, which costs two round trips: for acts that, when they refuse, have changed
    nothing or have put it back themselves.
    """
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


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
