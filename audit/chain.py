"""What a seal is made of: canonical bytes of rows and seals, the same on every server and session.

A row's content is the SHA-256 of a JSON array of its columns' texts, computed by PostgreSQL; no
setting of a session changes those texts. A row's leaf is its transaction, its id and its content.
A seal's digest is the SHA-256 over the whole leaves of its rows in the order (txid, id); it also
keeps the beginning of each leaf, which is what lets `verify` name a row. A seal's hash is over
everything it says, the hash of the seal before it included, and the signature is over that.

A column added to the table gets a new form here; seals of an older form keep the older one.
"""

import datetime as dt
import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .models import Seal

FORM = 1
NOTHING = bytes(32)  # what the first seal has for the seal before it
# Rows under one seal at most: what a seal keeps of each is in memory while it is made or verified.
ROWS = 10_000
LEAF = 24  # bytes that a seal keeps of each leaf
_POSITION = struct.Struct(">qq")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# `extract` gives exact decimals of UTC whatever the zone and the style of dates. The texts of
# `before` and `after` tell a missing value from a JSON null. The order is part of the form.
COLUMNS = (
    "extract(epoch FROM at)::text",
    "actor_kind",
    "actor_id",
    "actor_name",
    "role",
    "act",
    "object_kind",
    "object_id",
    "about_id",
    "market_code",
    "before::text",
    "after::text",
    "reason",
    "request_id",
)
# Written from the constants above; nothing in it comes from outside.
_CONTENT = f"sha256(convert_to(jsonb_build_array({', '.join(COLUMNS)})::text, 'UTF8'))"
LEAVES = f"SELECT int8send(txid) || int8send(id) || {_CONTENT} FROM audit_auditevent "  # noqa: S608
ORDER = " ORDER BY txid, id"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a row stands in the order of sealing."""

    txid: int
    id: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A row as a seal keeps it: `content` is the beginning of its digest."""

    txid: int
    id: int
    content: bytes

    @property
    def position(self) -> Position:
        return Position(self.txid, self.id)


def position(leaf: bytes) -> tuple[int, int]:
    """Transaction and id of a leaf, whole or as kept."""
    txid, row = _POSITION.unpack_from(leaf)
    return int(txid), int(row)


def kept(leaf: bytes) -> Leaf:
    """A leaf, whole or as kept, taken apart."""
    txid, row = position(leaf)
    return Leaf(txid, row, leaf[16:LEAF])


def leaves_of(seal: Seal) -> list[Leaf]:
    """Every row that a seal covers."""
    raw = bytes(seal.leaves)
    return [kept(raw[start : start + LEAF]) for start in range(0, len(raw), LEAF)]


def digest_of(leaves: Iterable[bytes]) -> bytes:
    """The digest over whole leaves in their order."""
    folded = hashlib.sha256()
    for leaf in leaves:
        folded.update(leaf)
    return folded.digest()


def micros(moment: dt.datetime) -> int:
    """Microseconds since 1970 in UTC, exact."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def hash_of(seal: Seal) -> bytes:
    """The hash of everything a seal says but its signature."""
    said: list[Any] = [
        seal.form,
        seal.number,
        micros(seal.at),
        seal.from_txid,
        seal.from_id,
        seal.until_txid,
        seal.until_id,
        seal.rows,
        bytes(seal.digest).hex(),
        hashlib.sha256(bytes(seal.leaves)).hexdigest(),
        bytes(seal.previous).hex(),
        seal.key_id,
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).digest()
