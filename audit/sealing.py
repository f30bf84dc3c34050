"""Making seals: one short transaction each, under a lock, over rows that can change order no more.

A row may become visible long after rows with higher ids: its transaction was slow. So rows are
ordered by their transaction, and a seal covers those below the oldest transaction that still runs.
Nothing is written while there is nothing new.
"""

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from . import chain
from .keys import Checker, key_in_use, sign
from .models import Seal, SealHead

logger = logging.getLogger(__name__)

# One number for this one lock of the database; any constant does that nobody else uses.
_LOCK = 0x5EA1
# Below the oldest transaction that still runs, in this database or another of the same server.
_HORIZON = (
    "SELECT audit_transaction(pg_snapshot_xmin(pg_current_snapshot())), statement_timestamp()"
)
# For the control of a test: everything that is visible now.
_UNGUARDED = (
    "SELECT audit_transaction(pg_snapshot_xmax(pg_current_snapshot())), statement_timestamp()"
)
# Rows cross from the server in steps of this many.
_STEP = 2_000


class CannotSeal(Exception):
    """The chain cannot go on from what is there; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one call did."""

    seals: int
    rows: int


def seal(*, rows: int = chain.ROWS, seconds: float | None = None) -> Sealed:
    """Seals everything that can be sealed; ends early after `seconds`, what is left comes next.

    Two at once are harmless: one waits, and finds nothing left to do. Raises CannotSeal.
    """
    began = time.monotonic()
    seals = covered = 0
    while True:
        made = _seal_next(rows)
        if made is None:
            return Sealed(seals, covered)
        seals += 1
        covered += made.rows
        # A copy of every hash outside of the database: the logs are a checkpoint of their own.
        logger.info("seal %d over %d rows: %s", made.number, made.rows, made.hash.hex())
        late = seconds is not None and time.monotonic() - began > seconds
        if made.rows < rows or late:
            return Sealed(seals, covered)


@transaction.atomic
def _seal_next(most: int) -> Seal | None:
    """The next seal, saved; None where no row can be sealed."""
    with connection.cursor() as cursor:
        if "seal" not in settings.GUARDS_OFF:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        # Each statement sees what was committed before it. Whatever is below the horizon has
        # ended by now, so the statements after this one see all of it.
        cursor.execute(_UNGUARDED if "horizon" in settings.GUARDS_OFF else _HORIZON)
        horizon, now = cursor.fetchone()
        last = _last()
        begin = chain.Position(last.until_txid, last.until_id) if last else chain.Position(0, 0)
        if horizon < begin.txid:
            raise CannotSeal(
                "This server counts transactions from further back than the seals: the database "
                "was restored into another one. Run `manage.py seal_audit --after-restore` as the "
                "owner."
            )
        leaves = _leaves(begin, horizon, most)
    if not leaves:
        return None
    until = chain.Position(horizon, 0)
    if len(leaves) == most:
        txid, row = chain.position(leaves[-1])
        until = chain.Position(txid, row + 1)
    made = Seal(
        number=last.number + 1 if last else 1,
        form=chain.FORM,
        at=now,
        from_txid=begin.txid,
        from_id=begin.id,
        until_txid=until.txid,
        until_id=until.id,
        rows=len(leaves),
        digest=chain.digest_of(leaves),
        leaves=b"".join(leaf[: chain.LEAF] for leaf in leaves),
        previous=bytes(last.hash) if last else chain.NOTHING,
        key_id=key_in_use(),
    )
    made.hash = chain.hash_of(made)
    made.signature = sign(made.key_id, made.hash)
    made.save(force_insert=True)
    return made


def _last() -> Seal | None:
    """The seal to go on from. Raises CannotSeal where it is not as it was signed.

    A sealer that went on from anything would hide what happened to the seals before it.
    """
    last = Seal.objects.order_by("-number").first()
    head = SealHead.objects.first()
    found = (last.number, bytes(last.hash)) if last else None
    if found != ((head.number, bytes(head.hash)) if head else None):
        raise CannotSeal("Seals are missing at the end of the chain. Run `manage.py verify_audit`.")
    if last is not None and (
        chain.hash_of(last) != bytes(last.hash)
        or not Checker().holds(last.key_id, bytes(last.hash), bytes(last.signature))
    ):
        raise CannotSeal(
            f"Seal {last.number} is not as it was signed, or its key {last.key_id} is not in "
            "AUDIT_SEAL_KEYS or AUDIT_SEAL_OLD_KEYS. Run `manage.py verify_audit`."
        )
    return last


def _leaves(begin: chain.Position, horizon: int, most: int) -> list[bytes]:
    """Whole leaves of the next rows below the horizon, `most` of them."""
    found: list[bytes] = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"{chain.LEAVES} WHERE (txid, id) >= (%s, %s) AND txid < %s {chain.ORDER} LIMIT %s",
            [begin.txid, begin.id, horizon, most],
        )
        while rows := cursor.fetchmany(_STEP):
            found += [bytes(leaf) for (leaf,) in rows]
    return found
