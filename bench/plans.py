"""The plan of each hot page's slowest query, as it was carried out, for `docs/queries.md`."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client

_WORDS = """# Hot queries

Written by `make bench` on {incidents:,} incidents. For each page: the slowest of the addresses that
were asked for, the slowest query of that page, and how the database carried it out. What a list
selects is left out, and so are times and buffers, which differ from run to run. How to read it: an
index serves a query alone where no line under its scan says `Rows Removed by Filter` in the
thousands.
"""
LONGEST = 4000  # characters of one statement


@dataclass(frozen=True, slots=True)
class Plan:
    """One query with its plan."""

    page: str
    address: str
    statement: str
    lines: Sequence[str]

    def text(self) -> str:
        plan = "\n".join(self.lines)
        return (
            f"## {self.page}\n\n`{self.address}`\n\n"
            f"```sql\n{self.statement}\n```\n\n```\n{plan}\n```\n"
        )


def _plainly(sql: str) -> str:
    """The statement without the columns that it brings, a clause a line."""
    short = re.sub(
        r"SELECT (?!COUNT|1 AS|DISTINCT)(?:(?!SELECT ).)*? FROM ", "SELECT ... FROM ", sql
    )
    lines = re.sub(
        r" (FROM|WHERE|ORDER BY|LIMIT|UNION ALL|INNER JOIN|LEFT OUTER JOIN) ", r"\n\1 ", short
    )
    return lines[:LONGEST].replace('"', "")


def plan_of(page: str, client: Client, path: str, values: Mapping[str, str]) -> list[Plan]:
    """The slowest reading query of one address, explained; none where the page asks nothing."""
    seen: list[tuple[float, str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seen.append(((time.perf_counter() - start) * 1000, sql, params))

    with connection.execute_wrapper(note):
        client.get(path, values)
    reading = [row for row in seen if row[1].lstrip().startswith(("SELECT", "(SELECT"))]
    if not reading:
        return []
    _taken, sql, params = max(reading, key=lambda row: row[0])
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) {sql}", params
        )
        lines = [line for (line,) in cursor.fetchall()]
        shown = cursor.mogrify(sql, params)
    text = shown.decode() if isinstance(shown, bytes) else str(shown)
    query = "&".join(f"{name}={value}" for name, value in values.items())
    address = f"{path}?{query}" if query else path
    return [Plan(page, address, _plainly(text), lines)]


def write(path: Path, plans: Sequence[Plan], incidents: int) -> None:
    parts = [_WORDS.format(incidents=incidents), *(plan.text() for plan in plans)]
    path.write_text("\n".join(parts), encoding="utf-8")
