"""Transactions: reads that see one moment, and where a transaction may end with a statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from .errors import LateRefusal
from .prepared import prepared

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


# What a transaction that writes it, and nothing else, waits for at its own commit: that all before
# it in the log is on the disk, and on the standbys that are waited for.
_ON_DISK = "SELECT pg_logical_emit_message(TRUE, '', '')"


def commit_early(cursor: Any) -> str:
    """The end of a text that commits, lets go of its locks, and only then waits for the disk.

    Waiting with the locks held, eight who take from one counter wait for eight writes, one after
    the other; so they wait for one together.
    """
    early = "; SET LOCAL synchronous_commit TO off; COMMIT"
    return early if "disk" in settings.GUARDS_OFF else f"{early}; {prepared(cursor, _ON_DISK)}"


def may_commit() -> bool:
    """Whether a commit here would end the one transaction that is open, and nothing larger."""
    link = connections[DEFAULT_DB_ALIAS]
    return link.in_atomic_block and not link.savepoint_ids
