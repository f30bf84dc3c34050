"""Transactions of acts that may be part of a larger one."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connection, transaction


def within_transaction() -> AbstractContextManager[Any]:
    """The caller's transaction where there is one, else one of the act's own.

    Without a savepoint, which costs two round trips: for acts that, when they refuse, have changed
    nothing or have put it back themselves.
    """
    return nullcontext() if connection.in_atomic_block else transaction.atomic()
