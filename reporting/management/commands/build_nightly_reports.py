"""Builds what is due of the nightly reports, as beat does; or one date again, to look at it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from accounts.models import Market
from audit.sealing import CannotSeal, seal
from common.arguments import day
from common.errors import Refusal
from common.money import format_money

from ...actions import Built, build_report, run_night


class Command(BaseCommand):
    help = "Builds the nightly reports that are due; fails where one differs from the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", metavar="CODE", help="this market alone")
        parser.add_argument(
            "--date",
            type=day,
            metavar="YYYY-MM-DD",
            help="this local date alone, whether it was built before or not",
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        markets = Market.objects.order_by("code")
        if options["market"]:
            markets = markets.filter(code=options["market"].upper())
            if not markets:
                raise CommandError(f"There is no market {options['market']}.")
        problems = sum(self._market(market, options["date"]) for market in markets)
        try:
            sealed = seal()
            self.stdout.write(f"Sealed {sealed.rows} rows of the trail.")
        except CannotSeal as error:
            self.stderr.write(f"The trail could not be sealed: {error}")
            problems += 1
        if problems:
            raise CommandError(f"{problems} problems; see above.")

    def _market(self, market: Market, date: dt.date | None) -> int:
        """Does one market's work; how many problems it met."""
        problems = built = 0
        try:
            for made in self._reports(market, date):
                problems += made.report.difference_minor != 0
                built += 1
                self.stdout.write(_line(market, made))
        except Refusal as refusal:
            self.stderr.write(f"{market.code}: {refusal}")
            return problems + 1
        except Exception as error:
            # The other markets have their night all the same.
            self.stderr.write(f"{market.code}: {type(error).__name__}: {error}")
            return problems + 1
        if not built:
            self.stdout.write(f"{market.code}: nothing was due.")
        return problems

    def _reports(self, market: Market, date: dt.date | None) -> Iterable[Built]:
        return run_night(market) if date is None else [build_report(market, date)]


def _line(market: Market, made: Built) -> str:
    report = made.report
    what = "built" if made.is_new else "revised" if made.is_revised else "unchanged"
    difference = report.difference_minor
    ledger = (
        f"differs from the ledger by {format_money(difference, market.currency, market.locale)}"
        if difference
        else "agrees with the ledger to the cent"
    )
    return (
        f"{market.code} {report.date}: {what}, revision {report.revision}, {ledger}, "
        f"{made.mails} mails queued, digest {bytes(report.digest).hex()[:12]}"
    )
