"""What operators type after a command's options, read with a line that says what is wrong.

The line is in English, as all that commands say to operators.
"""

import datetime as dt
from argparse import ArgumentTypeError


def day(text: str) -> dt.date:
    """A date written as 2026-12-31. Raises ArgumentTypeError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a date like 2026-12-31.") from None


def whole_number(text: str) -> int:
    """A whole number. Raises ArgumentTypeError."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a whole number.") from None


def seconds(text: str) -> float:
    """A length of time in seconds. Raises ArgumentTypeError."""
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a number of seconds.") from None
