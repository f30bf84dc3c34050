"""Refuses migrations that would lock a table or break the version that still runs.

The linter is a tool of the check alone, so it is no installed app of the product; this runs its
command without that. What it leaves out stands in `pyproject.toml`.
"""

import os
import sys

import django
from django.core.management import call_command


def main() -> None:
    """Run the linter over every migration of ours; exits with 1 when it finds something."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recovery.settings")
    django.setup()
    # Only after the setup: the command reads settings when it is imported.
    from django_migration_linter.management.commands.lintmigrations import Command

    call_command(Command(), "--warnings-as-errors", "--no-cache", *sys.argv[1:])


if __name__ == "__main__":
    main()
