"""Transactions: reads that see one moment, and where a transaction may end with a statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from .errors import LateRefusal
from .postgres.base import ON_DISK

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


def release_early() -> None:
    """The running transaction lets go of its locks before its commit is on the disk: for hot rows.

    Whoever takes them next commits after it in the log, so none is kept without it. Whoever commits
    goes on once all is on the disk, as always.
    """
    connections[DEFAULT_DB_ALIAS].connection.early = True


def after_what_was_read() -> None:
    """What this commits is on the disk after all that it read; outside a transaction, at once.

    For an answer that repeats what another one did, whose locks may be gone before it is there.
    """
    with connection.cursor() as cursor:
        cursor.execute(ON_DISK)


def may_commit() -> bool:
    """Whether a commit here would end the one transaction that is open, and nothing larger."""
    link = connections[DEFAULT_DB_ALIAS]
    return link.in_atomic_block and not link.savepoint_ids
