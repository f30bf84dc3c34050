"""Grants one compensation after another in a new market, and prints each as it is granted.

Run as a process, with the market's code, beside a database that is killed meanwhile; ends with the
first error.
"""

import sys
from contextlib import nullcontext
from itertools import count

import django
from django.db import transaction


def main() -> None:
    django.setup()
    from compensations.actions import grant
    from compensations.tests.scenario import build

    company = build(sys.argv[1])
    company.limit("market", "day", "amount", 10**12)
    for number in count():
        # As a program does, and as a page does, inside a transaction of its own.
        with transaction.atomic() if number % 2 else nullcontext():
            made = grant(
                incident=company.incident(), offer=company.offers["coupon"], by=company.agent
            )
        sys.stdout.write(f"{made.pk}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
