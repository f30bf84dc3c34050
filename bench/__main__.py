"""`python -m bench [--only NAME...] [--seconds N] [--incidents N]`: one table of every workload."""

import argparse
import os
import sys

from recovery.embedded.scratch import Scratch, adopt

NAMES = ("grant", "redeem", "http", "pages", "latency", "start", "size")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seconds", type=int, default=6, help="of each measured run")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved runs; the median counts")
    parser.add_argument("--incidents", type=int, default=1_000_000)
    asked = parser.parse_args()
    with Scratch(durable=True) as scratch:
        adopt(scratch, os.environ)
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "recovery.settings"
        django.setup()
        from .runner import run

        return run(
            only=asked.only,
            seconds=asked.seconds,
            rounds=asked.rounds,
            incidents=asked.incidents,
            folder=scratch.folder,
        )


if __name__ == "__main__":
    sys.exit(main())
