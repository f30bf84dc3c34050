"""Fills an empty database with the invented demo company. Never run beside real customers."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.sealing import seal
from common.arguments import whole_number
from recovery.demo.logins import DEMO_PASSWORD
from recovery.demo.nights import account_for_nights
from recovery.demo.seed import DEFAULT_SEED, AlreadyThere, seed_company


class Command(BaseCommand):
    help = "Inserts the demo company: two markets, their people, and ninety days of history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing, and call it a success, where a company exists already",
        )
        parser.add_argument(
            "--seed",
            type=whole_number,
            default=DEFAULT_SEED,
            help="another number, another history",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SECURE:
            raise CommandError(
                "The demo company has public passwords: it is not made where customers come "
                "(PUBLIC_BASE_URL is https)."
            )
        began = time.monotonic()
        now = timezone.now()
        try:
            done = seed_company(seed=options["seed"], now=now)
        except AlreadyThere:
            if options["if_empty"]:
                self.stdout.write("The database has a company already; nothing was added.")
                return
            raise CommandError(
                "The database has a company already. The demo company needs an empty database."
            ) from None
        nights = account_for_nights(now)
        seal()
        self.stdout.write(
            f"The demo company is there: {done.incidents} incidents and {done.rows} rows in all, "
            f"{nights} nightly reports "
            f"({time.monotonic() - began:.0f} s). Everybody's password is {DEMO_PASSWORD}."
        )
