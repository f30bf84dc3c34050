"""Transactions: reads that see one moment, and where a transaction may end with a statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from .errors import LateRefusal

P = ParamSpec("P")
R = TypeVar("R")


def atomic_act(act: Callable[P, R]) -> Callable[P, R]:
    """`transaction.atomic` for an act whose last statement may find that it is refused."""

    @wraps(act)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return act(*args, **kwargs)
        except LateRefusal as late:
            raise late.in_words() from late

    return whole


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
    link = connections[DEFAULT_DB_ALIAS]
    return link.in_atomic_block and not link.savepoint_ids
