"""Says whether every figure equals its sum; exits 1 and names each one that does not."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from compensations.reconciliation import CHECKS, differences, totals


class Command(BaseCommand):
    help = "Reconciles the ledger, coupon balances, limit counters and messages."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            # It takes as long as the book is; the bound is a page's.
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'")
        for account, currency, minor in totals():
            self.stdout.write(f"{currency} {account:<24} {minor:>16} minor units")
        found = list(differences())
        for row in found:
            self.stderr.write(f"{row.check}: {row.key} is {row.found}, expected {row.expected}")
        if found:
            raise CommandError(f"{len(found)} figures do not add up.")
        self.stdout.write(f"{len(CHECKS)} checks, everything adds up.")
