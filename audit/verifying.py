"""Verification: the whole trail held against its seals, in one reading of both and bounded memory.

Everything is read in one snapshot, which locks nobody out. What is wrong is named at the first row
or seal where it shows; telling an alteration from a deletion is the work of `diagnosis.py`.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg2.errors import QueryCanceled

from . import chain, diagnosis
from .checkpoints import Checkpoints
from .diagnosis import Finding
from .keys import Checker
from .models import AuditEvent, Seal, SealHead
from .states import Wrong

_ROWS_STEP = 5_000
_SEALS_STEP = 20
# How often the time that was given is looked at.
_LOOK = 5_000


@dataclass(slots=True)
class Report:
    """What was checked and what was found. `complete` is false where time ran out before the end.

    `first_seal` is 1 unless only the newest part was asked for.
    """

    finding: Finding | None = None
    rows: int = 0
    seals: int = 0
    first_seal: int = 1
    unsealed: int = 0
    oldest_unsealed: dt.datetime | None = None
    last_sealed: dt.datetime | None = None
    checkpoints: int | None = None
    complete: bool = True
    seconds: float = 0
    notices: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Nothing was found in what was checked."""
        return self.finding is None

    @property
    def unsealed_age(self) -> dt.timedelta | None:
        """How long the oldest row has waited for its seal; None where none waits."""
        if self.oldest_unsealed is None:
            return None
        return max(timezone.now() - self.oldest_unsealed, dt.timedelta())


class _OutOfTime(Exception):
    pass


@contextmanager
def _snapshot(seconds: float | None) -> Iterator[None]:
    """One reading of the database for everything inside; nothing in it is written.

    A single statement may take as long as the whole: without a bound there is none.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            milliseconds = 0 if seconds is None else max(1, int(seconds * 1000))
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, TRUE)", [str(milliseconds)]
                )
        yield


def verify(
    *,
    checkpoints: Checkpoints | None = None,
    newest_rows: int | None = None,
    seconds: float | None = None,
) -> Report:
    """Checks the trail against its seals, and these against `checkpoints`.

    `newest_rows` checks only the newest seals that cover that many rows, and trusts the hash of
    the one before them. After `seconds` the report says that it is not complete. Outside of a
    transaction everything is read in one snapshot; inside of one, in the one that is there.
    """
    began = time.monotonic()
    report = Report()
    until = None if seconds is None else began + seconds
    try:
        with _snapshot(seconds):
            run = _Run(report, until)
            run.check(run.first_of(newest_rows))
            if report.finding is None and checkpoints is not None:
                report.checkpoints, report.finding = checkpoints.check()
    except _OutOfTime:
        report.complete = False
    except OperationalError as error:
        if seconds is None or not isinstance(error.__cause__, QueryCanceled):
            raise
        report.complete = False
    report.seconds = time.monotonic() - began
    return report


class _Run:
    """One verification. Rows and seals are read side by side, each once."""

    def __init__(self, report: Report, until: float | None) -> None:
        self._report = report
        self._until = until
        self._checker = Checker()

    def first_of(self, newest_rows: int | None) -> int:
        """The seal to begin with."""
        if newest_rows is None:
            return 1
        numbers = Seal.objects.order_by("-number").values_list("number", "rows")
        first, covered = 1, 0
        for number, rows in numbers.iterator(chunk_size=2_000):
            first = number
            covered += rows
            if covered >= newest_rows:
                break
        return first

    def check(self, first: int) -> None:
        """Fills the report up to the first thing that is wrong."""
        report = self._report
        report.first_seal = first
        before = Seal.objects.filter(number=first - 1).first() if first > 1 else None
        # Closed before the snapshot is: both read from cursors that end with it.
        with closing(_leaves(before)) as leaves, closing(_seals(first)) as seals:
            rows = _Rows(leaves)
            for seal in seals:
                report.finding = self._chained(seal, before) or self._covered(seal, rows)
                if report.finding is not None:
                    return
                report.seals += 1
                report.last_sealed = seal.at
                before = seal
            report.finding = self._head(before) or self._tail(before, rows)
        self._notice()

    def _chained(self, seal: Seal, before: Seal | None) -> Finding | None:
        """Whether the seal follows the one before it, says what it said, and was signed by us."""
        number = before.number + 1 if before else self._report.first_seal
        if seal.number != number:
            return _broken(number, f"it is missing; the next one there is seal {seal.number}")
        if bytes(seal.hash) != chain.hash_of(seal):
            return _broken(number, "it was altered: its hash is not that of what it says")
        if not self._checker.holds(seal.key_id, bytes(seal.hash), bytes(seal.signature)):
            known = self._checker.knows(seal.key_id)
            why = f"not of key {seal.key_id}" if known else f"of the unknown key {seal.key_id}"
            return Finding(Wrong.SIGNATURE, seal=number, detail=f"its signature is {why}")
        if before is None and number == 1:
            expected = (chain.NOTHING, 0, 0)
        elif before is not None:
            expected = (bytes(before.hash), before.until_txid, before.until_id)
        else:
            return _broken(number - 1, "it is missing")
        if (bytes(seal.previous), seal.from_txid, seal.from_id) != expected:
            return _broken(number, "it does not follow the seal before it")
        return None

    def _covered(self, seal: Seal, rows: "_Rows") -> Finding | None:
        """Whether the rows in the seal's range are the ones it was made over."""
        expected = bytes(seal.leaves)
        end = (seal.until_txid, seal.until_id)
        folded = hashlib.sha256()
        for place in range(0, len(expected), chain.LEAF):
            leaf = rows.take(end)
            if leaf is None or leaf[: chain.LEAF] != expected[place : place + chain.LEAF]:
                actual = chain.kept(leaf) if leaf is not None else None
                return diagnosis.name_row(seal, place // chain.LEAF, actual)
            folded.update(leaf)
            self._count()
        extra = rows.take(end)
        if extra is not None:
            return diagnosis.name_row(seal, seal.rows, chain.kept(extra))
        if folded.digest() != bytes(seal.digest):
            return _broken(seal.number, "its digest is not that of its rows")
        return None

    def _count(self) -> None:
        self._report.rows += 1
        late = self._until is not None and self._report.rows % _LOOK == 0
        if late and time.monotonic() > (self._until or 0):
            raise _OutOfTime

    def _head(self, last: Seal | None) -> Finding | None:
        """Whether the last seal is the one that was written last."""
        head = SealHead.objects.first()
        number = last.number if last else 0
        if head is None:
            return _broken(1, "the head of the chain is missing") if last else None
        if head.number > number:
            detail = f"seals {number + 1} to {head.number} are missing at the end of the chain"
            return Finding(Wrong.TRUNCATED, seal=number + 1, detail=detail)
        if head.number < number or (last is not None and bytes(head.hash) != bytes(last.hash)):
            return _broken(number, "it is not the one the head of the chain names")
        return None

    def _tail(self, last: Seal | None, rows: "_Rows") -> Finding | None:
        """Whether the rows after the last seal can have been written as they say."""
        report = self._report
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT audit_transaction(pg_snapshot_xmax(pg_current_snapshot())), "
                "CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_auditevent_id_seq"
            )
            future, numbered = cursor.fetchone()
        # Until then nothing can be said about the numbers of rows that came without a seal.
        behind = last is not None and future < last.until_txid
        if behind:
            report.notices.append(
                "This server counts transactions from further back than the seals: the database "
                "was restored into another one. Run `manage.py seal_audit --after-restore` as the "
                "owner."
            )
        leaf = rows.take(None)
        if leaf is not None:
            txid, row = chain.position(leaf)
            report.oldest_unsealed = AuditEvent.objects.values_list("at", flat=True).get(pk=row)
        while leaf is not None:
            txid, row = chain.position(leaf)
            if txid >= future and not behind:
                detail = f"transaction {txid}, which it says wrote it, has not begun"
                return diagnosis.finding(Wrong.INSERTED, row, detail)
            if row > numbered:
                detail = f"the database has given out numbers up to {numbered} only"
                return diagnosis.finding(Wrong.INSERTED, row, detail)
            report.unsealed += 1
            self._count()
            leaf = rows.take(None)
        return None

    def _notice(self) -> None:
        """What proves nothing and may still be worth a question."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT CASE WHEN is_called THEN last_value ELSE 0 END - "
                "coalesce((SELECT max(id) FROM audit_auditevent), 0) FROM audit_auditevent_id_seq"
            )
            (given,) = cursor.fetchone()
        if given > 0:
            self._report.notices.append(
                f"{given} row numbers were given out after the newest row: being written, given "
                "up, or removed before they were sealed."
            )


class _Rows:
    """Leaves in the order of sealing; one can be looked at before it is taken."""

    def __init__(self, leaves: Iterator[bytes]) -> None:
        self._leaves = leaves
        self._next: bytes | None = next(leaves, None)

    def take(self, end: tuple[int, int] | None) -> bytes | None:
        """The next leaf where it stands before `end`; None means: no further one."""
        leaf = self._next
        if leaf is None or (end is not None and chain.position(leaf) >= end):
            return None
        self._next = next(self._leaves, None)
        return leaf


def _leaves(before: Seal | None) -> Generator[bytes, None, None]:
    # Without a seal before, no lower bound: a row may claim a number below every honest one.
    bound: Sequence[int] = (before.until_txid, before.until_id) if before else ()
    where = "WHERE (txid, id) >= (%s, %s)" if before else ""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{chain.LEAVES} {where} {chain.ORDER}", bound)
        while rows := cursor.fetchmany(_ROWS_STEP):
            yield from (bytes(leaf) for (leaf,) in rows)


def _seals(first: int) -> Generator[Seal, None, None]:
    found = Seal.objects.filter(number__gte=first).order_by("number")
    yield from found.iterator(chunk_size=_SEALS_STEP)


def _broken(number: int, why: str) -> Finding:
    return Finding(Wrong.SEAL, seal=number, detail=why)
