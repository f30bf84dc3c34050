"""`create_access_token USERNAME`: a member of staff's key for the API."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from accounts.actions import create_access_token
from accounts.models import Staff
from audit.actions import SYSTEM
from common.arguments import whole_number
from common.errors import Refusal


class Command(BaseCommand):
    help = "Creates a person's key for the API and prints it, only this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--days", type=whole_number, default=90, help="how long the key is valid"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        staff = Staff.objects.filter(username__iexact=options["username"]).first()
        if staff is None:
            raise CommandError(f"nobody has the user name {options['username']}.")
        try:
            token, key = create_access_token(staff=staff, by=SYSTEM, valid_days=options["days"])
        except Refusal as refusal:
            raise CommandError(f"{staff.username}: {refusal}") from refusal
        self.stderr.write(
            f"{staff.name}, until {token.expires_at:%Y-%m-%d}. The key is shown only now:"
        )
        self.stdout.write(key)
