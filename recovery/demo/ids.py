"""Identifiers of the past: version 7 UUIDs that carry their row's own moment.

Lists are ordered by id, so a row of last month has to have an id of last month. The random bits
come from the seed, so that two seedings give the same ids.
"""

import datetime as dt
import random
import uuid

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_CLEAR = ~(0xF << 76 | 0x3 << 62)


class HistoricIds:
    """Makes ids for moments, from a seeded generator of its own."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def at(self, moment: dt.datetime) -> uuid.UUID:
        """A version 7 UUID of the aware `moment`."""
        value = int(moment.timestamp() * 1000) << 80 | self._rng.getrandbits(80)
        return uuid.UUID(int=value & _CLEAR | _VERSION | _VARIANT)

    def any(self) -> uuid.UUID:
        """A random UUID without a moment (version 4)."""
        return uuid.UUID(int=self._rng.getrandbits(128), version=4)
