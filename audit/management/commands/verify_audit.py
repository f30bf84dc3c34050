"""Holds the whole audit trail against its seals; fails at the first row that is not as sealed."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.checkpoints import Checkpoints
from audit.verifying import Report, verify


class Command(BaseCommand):
    help = "Verifies the audit trail: names the first row tampered with, or says what held."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checkpoint",
            type=Path,
            metavar="FILE",
            help="also hold the seals against this file; AUDIT_CHECKPOINT_FILE where it is set",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify(checkpoints=self._checkpoints(options["checkpoint"]))
        for notice in report.notices:
            self.stderr.write(f"Note: {notice}")
        if report.finding is not None:
            raise CommandError(f"The audit trail does not hold. {report.finding}")
        for line in _lines(report):
            self.stdout.write(line)

    def _checkpoints(self, asked: Path | None) -> Checkpoints | None:
        path = asked or (
            Path(settings.AUDIT_CHECKPOINT_FILE) if settings.AUDIT_CHECKPOINT_FILE else None
        )
        if path is None:
            return None
        try:
            return Checkpoints(path)
        except OSError as problem:
            if asked is None and not path.exists():
                self.stderr.write(f"Note: there is no checkpoint file {path} yet.")
                return None
            raise CommandError(f"{path} cannot be read: {problem.strerror}") from None


def _lines(report: Report) -> list[str]:
    lines = ["The audit trail has no seal yet: nothing vouches for it."]
    if report.last_sealed is not None:
        lines = [
            f"The audit trail holds: {report.rows - report.unsealed} sealed rows under "
            f"{report.seals} seals, the last one at "
            f"{report.last_sealed.isoformat(timespec='seconds')}; {report.seconds:.1f} s."
        ]
    age = report.unsealed_age
    if age is None:
        lines.append("No row waits for its seal.")
    else:
        lines.append(
            f"{report.unsealed} rows wait for their seal, the oldest for {age.total_seconds():.0f} "
            "s; nothing vouches for them yet."
        )
    if report.checkpoints is None:
        lines.append("No checkpoint was given: removed newest rows and seals may go unseen.")
    else:
        lines.append(f"{report.checkpoints} checkpoints hold.")
    return lines
