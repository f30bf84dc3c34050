"""Runs the asked workloads in order and prints each row as it is known, then the whole table."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from .auditing import audit_row
from .company import build_bench
from .dashboards import dashboard_rows
from .mail import latency_row
from .money import grant_row, redeem_row
from .nightly import nightly_rows
from .over_http import http_rows
from .pages import measured
from .plans import Plan, plan_of
from .publishing import publish_rows
from .starting import start_rows
from .table import Row, render
from .volume import make_volume
from .weight import weight_rows

VOLUME_BUDGET = 600  # seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """What to run. `outside` are the variables before the scratch servers were started."""

    only: frozenset[str]
    seconds: int
    rounds: int
    incidents: int
    folder: Path
    outside: Mapping[str, str]


def _volume_rows(incidents: int, into: list[Plan]) -> Iterable[Row]:
    places, taken = make_volume(incidents)
    yield Row(
        f"{incidents:,} incidents made",
        f"{taken:.0f} s",
        budget=f"{VOLUME_BUDGET} s",
        met=taken <= VOLUME_BUDGET,
    )
    for samples, client in measured(places):
        yield samples.row()
        into += plan_of(samples.name, client, *samples.slowest)


def _rows(asked: Asked, plans: list[Plan]) -> Iterable[Row]:
    bench = build_bench()
    if "grant" in asked.only:
        yield grant_row(bench, asked.seconds, asked.rounds)
    if "redeem" in asked.only:
        yield redeem_row(bench, asked.seconds, asked.rounds)
    if "http" in asked.only:
        yield from http_rows(bench, asked.seconds, asked.rounds, asked.folder)
    if "latency" in asked.only:
        yield latency_row(bench, asked.seconds, asked.folder)
    if "size" in asked.only:
        yield from weight_rows(bench)
    if "start" in asked.only:
        yield from start_rows(asked.outside, asked.folder)
    if "pages" in asked.only:
        yield from _volume_rows(asked.incidents, plans)
    if "dashboard" in asked.only:
        yield from dashboard_rows(asked.incidents, plans)
    if "nightly" in asked.only:
        yield from nightly_rows(asked.rounds)
    if "audit" in asked.only:
        yield audit_row(asked.rounds)
    if "publish" in asked.only:
        # Last: what was live before it can no longer be granted.
        yield from publish_rows(bench, asked.rounds)


def run(asked: Asked) -> tuple[list[Row], list[Plan]]:
    """Every row, each printed as soon as it is known, then the table; and the hot queries."""
    call_command("migrate", verbosity=0)
    call_command("grant_running_role", stdout=StringIO())
    rows: list[Row] = []
    plans: list[Plan] = []
    for row in _rows(asked, plans):
        rows.append(row)
        sys.stdout.write(" | ".join(row.cells()) + "\n")
        sys.stdout.flush()
    sys.stdout.write("\n" + render(rows) + "\n")
    return rows, plans
