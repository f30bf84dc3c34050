"""`python -m bench [--only NAME...] [--seconds N] [--incidents N]`: one table of every workload.

A run of everything at full size also writes the table to `docs/benchmarks.md`, and a run of the
pages at full size the plans of their slowest queries to `docs/queries.md`.
"""

import argparse
import os
import sys
from pathlib import Path

from recovery.embedded.processes import wait_turns
from recovery.embedded.scratch import Scratch, adopt

NAMES = (
    "grant",
    "redeem",
    "publish",
    "http",
    "latency",
    "size",
    "start",
    "pages",
    "dashboard",
    "nightly",
    "audit",
)
FULL = 1_000_000
DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> int:
    """0 when every budget is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seconds", type=int, default=6, help="of each measured run")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved runs; the median counts")
    parser.add_argument("--incidents", type=int, default=FULL)
    words = parser.parse_args()
    outside = dict(os.environ)
    # As everything that `make run` starts: the forked clients and those of a floor alike.
    wait_turns()
    with Scratch(durable=True) as scratch:
        adopt(scratch, os.environ)
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "recovery.settings"
        django.setup()
        from . import plans, report
        from .runner import Asked, run

        load = report.load_now()
        rows, found = run(
            Asked(
                only=frozenset(words.only),
                seconds=words.seconds,
                rounds=words.rounds,
                incidents=words.incidents,
                folder=scratch.folder,
                outside=outside,
            )
        )
        if set(words.only) == set(NAMES) and words.incidents >= FULL:
            command = " ".join(["python -m bench", *sys.argv[1:]])
            report.write(DOCS / "benchmarks.md", rows, command=command, load=load)
        if found and words.incidents >= FULL:
            plans.write(DOCS / "queries.md", found, words.incidents)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
