"""Writes the table of a whole run to a file, with what a reader needs to judge it."""

import datetime as dt
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from django.db import connection

from .table import Row, render

_WORDS = """# Benchmarks

Written by `make bench`; how to read it is in `bench/README.md`. What counts is the ratio to the
floor of the same run: machines differ and drift, and a neighbour's work is in every figure.

| | |
|---|---|
| date | {date} |
| command | `{command}` |
| machine | {cores} cores, {memory} of memory, {system} |
| versions | Python {python}, PostgreSQL {postgres} |
| load before the run | {load:.1f} waiting for {cores} cores |

{table}

{verdict}
"""


def load_now() -> float:
    """How many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GB"


def write(path: Path, rows: Sequence[Row], *, command: str, load: float) -> None:
    """Writes `path`; `load` is what `load_now` said before the run."""
    missed = [row.work for row in rows if row.met is False]
    verdict = "Every budget is met." if not missed else "Not met: " + "; ".join(missed) + "."
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()
    path.write_text(
        _WORDS.format(
            date=dt.datetime.now(dt.UTC).date().isoformat(),
            command=command,
            cores=os.cpu_count(),
            memory=_memory(),
            system=platform.system(),
            python=platform.python_version(),
            postgres=version[0] if version else "",
            load=load,
            table=render(rows),
            verdict=verdict,
        ),
        encoding="utf-8",
    )
