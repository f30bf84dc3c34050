"""Publishes the scale versions whose moment has come, as beat does every half minute."""

from typing import Any

from django.core.management.base import BaseCommand

from compensations.actions import publish_due


class Command(BaseCommand):
    help = "Publishes scheduled scale versions whose moment has come."

    def handle(self, *args: Any, **options: Any) -> None:
        published = publish_due()
        for version in published:
            self.stdout.write(f"{version.market.code} v{version.number} is live")
        if not published:
            self.stdout.write("Nothing was due.")
