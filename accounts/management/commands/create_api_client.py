"""`create_api_client NAME --scope SCOPE... --market CODE`: a till, shop or intake system."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from accounts.actions import create_api_client
from accounts.models import Market
from accounts.states import Scope
from audit.actions import SYSTEM
from common.arguments import whole_number
from common.errors import Refusal


class Command(BaseCommand):
    help = "Creates an API client and prints its key, which is shown only this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="how the client is called in lists and in the audit")
        parser.add_argument("--scope", nargs="+", required=True, help=", ".join(Scope.values))
        parser.add_argument("--market", required=True, help="the code of its market")
        parser.add_argument(
            "--days", type=whole_number, default=365, help="how long the key is valid"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        unknown = sorted(set(options["scope"]) - set(Scope.values))
        if unknown:
            raise CommandError(
                f"no such scope: {', '.join(unknown)}. Choose from {', '.join(Scope.values)}."
            )
        market = Market.objects.filter(code=options["market"].upper()).first()
        if market is None:
            known = ", ".join(Market.objects.values_list("code", flat=True)) or "none yet"
            raise CommandError(f"no market {options['market']}. There are: {known}.")
        try:
            client, key = create_api_client(
                market=market,
                name=options["name"],
                scopes=options["scope"],
                valid_days=options["days"],
                by=SYSTEM,
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(
            f"{client.name} in {market.code}, until {client.expires_at:%Y-%m-%d}. "
            "The key is shown only now:"
        )
        self.stdout.write(key)
