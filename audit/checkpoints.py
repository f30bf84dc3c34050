"""Checkpoints: a file outside of the database with a line for each seal that was written to it.

Whoever owns the database can remove the newest rows with their seals and leave no trace there; a
line in a file that they cannot reach is the trace. The file is only ever added to.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .diagnosis import Finding
from .keys import Checker
from .models import Seal
from .states import Wrong

_STEP = 1_000


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    hash: bytes
    key_id: str
    signature: bytes


def append(path: Path) -> int | None:
    """Adds a line for the last seal and waits until it is on the disk; its number, None for none.

    Raises OSError.
    """
    last = Seal.objects.order_by("-number").first()
    if last is None:
        return None
    said = {
        "number": last.number,
        "at": last.at.isoformat(),
        "hash": bytes(last.hash).hex(),
        "key": last.key_id,
        "signature": bytes(last.signature).hex(),
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(said) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return last.number


class Checkpoints:
    """The lines that were in a file when this was made: later ones may be of later seals."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be read."""
        self._path = path
        self._size = path.stat().st_size

    def check(self) -> tuple[int, Finding | None]:
        """How many lines hold, and the first that does not. Any order of lines will do."""
        checked = 0
        checker = Checker()
        lines = enumerate(self._lines(), start=1)
        while step := list(islice(lines, _STEP)):
            read: list[_Line] = []
            for place, text in step:
                line = _read(text)
                if line is None:
                    return checked, Finding(Wrong.CHECKPOINT, f"line {place} cannot be read")
                read.append(line)
            numbers = [line.number for line in read]
            hashes = dict(Seal.objects.filter(number__in=numbers).values_list("number", "hash"))
            for line in sorted(read, key=lambda one: one.number):
                found = hashes.get(line.number)
                if found is None or bytes(found) != line.hash:
                    return checked, _differs(line, there=found is not None, checker=checker)
                checked += 1
        return checked, None

    def _lines(self) -> Iterator[str]:
        left = self._size
        with self._path.open("rb") as file:
            for raw in file:
                left -= len(raw)
                if left < 0:
                    return
                if raw.strip():
                    yield raw.decode("utf-8", "replace")


def _read(text: str) -> _Line | None:
    try:
        said = json.loads(text)
        return _Line(
            number=int(said["number"]),
            hash=bytes.fromhex(said["hash"]),
            key_id=str(said["key"]),
            signature=bytes.fromhex(said["signature"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _differs(line: _Line, *, there: bool, checker: Checker) -> Finding:
    if not checker.holds(line.key_id, line.hash, line.signature):
        detail = f"the checkpoint of seal {line.number} is not signed by a key of ours"
        return Finding(Wrong.CHECKPOINT, detail)
    if there:
        detail = "it is not the one that the checkpoint holds: the trail was written anew"
        return Finding(Wrong.SEAL, detail, seal=line.number)
    last = Seal.objects.order_by("-number").values_list("number", flat=True).first()
    left = f"seal {last} is the last one left" if last else "no seal is left"
    detail = f"the checkpoint holds it, and {left}: the newest rows were removed with their seals"
    return Finding(Wrong.TRUNCATED, detail, seal=line.number)
