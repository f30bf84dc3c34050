#!/usr/bin/env python
"""Django's command line for Recovery."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recovery.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Use .venv/bin/python, which `make run` creates.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
