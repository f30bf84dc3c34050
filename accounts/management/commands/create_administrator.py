"""`create_administrator USERNAME ...`: the first person of an empty installation or a new market.

Everybody after that is created on the administration pages, by somebody who has a name.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.db import transaction

from accounts.actions import create_market, create_staff
from accounts.keys import new_password
from accounts.models import Market, RoleGrant, Staff
from accounts.states import Language, Role
from audit.actions import SYSTEM
from common.errors import Refusal


class Command(BaseCommand):
    help = "Creates a market's first administrator, and the market; prints a first password once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="the person's name")
        parser.add_argument("--email", required=True)
        parser.add_argument("--market", required=True, help="the market's code, such as MX")
        parser.add_argument("--language", choices=Language.values, default=Language.ES)
        new = parser.add_argument_group("a market that does not exist yet")
        new.add_argument("--market-name", help="such as Hoteles Alameda México")
        new.add_argument("--country", help="two letters")
        new.add_argument("--currency", help="three letters; never changes")
        new.add_argument("--time-zone", help="such as America/Mexico_City; never changes")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            staff, password = self.create(options)
        except Refusal as refusal:
            place = f"{refusal.field}: " if refusal.field else ""
            raise CommandError(f"{place}{refusal}") from refusal
        self.stderr.write(f"{staff.name} administers it. The password is shown only now:")
        self.stdout.write(password)

    @transaction.atomic
    def create(self, options: dict[str, Any]) -> tuple[Staff, str]:
        market = Market.objects.filter(code=options["market"].upper()).first()
        if market is None:
            market = self.create_market(options)
        elif RoleGrant.objects.filter(
            market=market, role=Role.ADMINISTRATOR, ended_at=None, staff__is_active=True
        ).exists():
            raise CommandError(f"{market.code} has an administrator, who creates people.")
        password = new_password()
        staff = create_staff(
            username=options["username"],
            name=options["name"],
            email=options["email"],
            market=market,
            roles=[Role.ADMINISTRATOR],
            language=options["language"],
            password=password,
            by=SYSTEM,
        )
        return staff, password

    def create_market(self, options: dict[str, Any]) -> Market:
        asked = ("market_name", "country", "currency", "time_zone")
        lacking = [f"--{name.replace('_', '-')}" for name in asked if not options[name]]
        if lacking:
            code = options["market"].upper()
            raise CommandError(f"there is no market {code} yet: give {', '.join(lacking)} too.")
        language, country = options["language"], options["country"].upper()
        return create_market(
            code=options["market"],
            name=options["market_name"],
            brand=options["market_name"],
            country=country,
            currency=options["currency"],
            locale=f"{language}-{country}",
            language=language,
            time_zone=options["time_zone"],
            sender_email=options["email"],
            by=SYSTEM,
        )
