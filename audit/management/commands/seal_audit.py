"""Seals the audit trail now, and writes a checkpoint where one is asked for."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from audit import checkpoints, keys
from audit.lineage import continue_after_restore
from audit.sealing import CannotSeal, seal


class Command(BaseCommand):
    help = "Seals the audit rows whose order can change no more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checkpoint",
            type=Path,
            metavar="FILE",
            help="add a line for the last seal to this file; keep it out of the owner's reach",
        )
        parser.add_argument(
            "--after-restore",
            action="store_true",
            help="as the owner, once a dump was restored into another server: go on from its seals",
        )
        parser.add_argument(
            "--public-keys",
            action="store_true",
            help="print the public halves of the keys, as AUDIT_SEAL_OLD_KEYS takes them, and end",
        )

    def _continue(self) -> None:
        try:
            raised = continue_after_restore()
        except ProgrammingError:
            raise CommandError("Run this as the owner of the database.") from None
        if raised:
            self.stdout.write("The trail's transaction numbers go on from the last seal.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_keys"]:
            halves = keys.public_halves().items()
            self.stdout.write(",".join(f"{key_id}:{raw.hex()}" for key_id, raw in halves))
            return
        if options["after_restore"]:
            self._continue()
        try:
            done = seal()
        except CannotSeal as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{done.rows} rows sealed by {done.seals} seals.")
        path: Path | None = options["checkpoint"]
        if path is None:
            return
        try:
            number = checkpoints.append(path)
        except OSError as problem:
            raise CommandError(f"{path} cannot be written: {problem.strerror}") from None
        if number is None:
            raise CommandError("There is no seal yet, so no checkpoint was written.")
        self.stdout.write(f"Checkpoint of seal {number} added to {path}.")
