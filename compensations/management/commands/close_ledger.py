"""Sums the ledger's ended days now; beat does it every ten minutes. Or sums all of them anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from accounts.models import Market
from compensations.actions.closing import close_ledger, forget_closing


class Command(BaseCommand):
    help = "Sums the local days of the ledger that have ended, by account and event."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--market", metavar="CODE", help="this market alone")
        parser.add_argument(
            "--again", action="store_true", help="sum every day anew, from the entries"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        markets = Market.objects.order_by("code")
        if options["market"]:
            markets = markets.filter(code=options["market"].upper())
            if not markets:
                raise CommandError(f"There is no market {options['market']}.")
        for market in markets:
            with transaction.atomic(), connection.cursor() as cursor:
                # A first closing of years takes longer than a page may.
                cursor.execute("SET LOCAL statement_timeout = 0")
                if options["again"]:
                    forget_closing(market=market)
                days = close_ledger(market=market)
            self.stdout.write(f"{market.code}: {days} days closed.")
