"""Time-ordered identifiers.

Primary keys are made here, before the row is saved, so that a coupon's ciphertext can be bound to
its row and several rows can be inserted in one round trip. Nothing else lives here.
"""

import datetime as dt
import os
import time
import uuid


def uuid7(at: dt.datetime | None = None) -> uuid.UUID:
    """A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits.

    Its moment is now, or the aware `at`, not before 1970, of a row that came later than it tells.
    """
    moment = time.time_ns() // 1_000_000 if at is None else int(at.timestamp() * 1000)
    value = moment << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
