"""Runs the asked workloads in order and prints each row as it is known, then the whole table."""

import sys
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from .company import build_bench
from .money import grant_row, redeem_row
from .over_http import http_rows
from .pages import page_rows
from .table import Row, render
from .volume import make_volume

VOLUME_BUDGET = 600  # seconds


def run(*, only: list[str], seconds: int, rounds: int, incidents: int, folder: Path) -> int:
    """0 when every budget is met, else 1."""
    call_command("migrate", verbosity=0)
    call_command("grant_running_role", stdout=StringIO())
    bench = build_bench()
    rows: list[Row] = []

    def add(*found: Row) -> None:
        rows.extend(found)
        for row in found:
            sys.stdout.write(" | ".join(row.cells()) + "\n")
            sys.stdout.flush()

    def add_each(found: Iterable[Row]) -> None:
        for row in found:
            add(row)

    if "grant" in only:
        add(grant_row(bench, seconds, rounds))
    if "redeem" in only:
        add(redeem_row(bench, seconds, rounds))
    if "http" in only:
        add_each(http_rows(bench, seconds, rounds, folder))
    if "pages" in only:
        places, taken = make_volume(incidents)
        add(
            Row(
                f"{incidents:,} incidents made",
                f"{taken:.0f} s",
                budget=f"{VOLUME_BUDGET} s",
                met=taken <= VOLUME_BUDGET,
            )
        )
        add_each(page_rows(places))
    sys.stdout.write("\n" + render(rows) + "\n")
    return 0 if all(row.met is not False for row in rows) else 1
