"""Delivers what waits in the outbox, without a broker. Safe beside running workers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.arguments import seconds
from delivery.models import Message
from delivery.selectors import due_messages, waiting_for_a_person
from delivery.sending import sweep


class Command(BaseCommand):
    help = "Delivers every message that is due, lost claims included."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=seconds, default=300, help="stop after about this long (300)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["seconds"] <= 86400:
            raise CommandError("--seconds must be more than 0 and at most 86400.")
        done = sweep(options["seconds"])
        words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(done.items()))
        self.stdout.write(words or "Nothing was due.")
        waiting = waiting_for_a_person(Message.objects.all()).count()
        if waiting:
            self.stdout.write(f"{waiting} wait for a person: replay them or write them off.")
        if due_messages().exists():
            raise CommandError("The time is over and messages are still due: run it again.")
