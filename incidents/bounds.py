"""Bounds of what is typed, judged in one place for pages, API and imports alike."""

import datetime as dt
from collections.abc import Collection

from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import InvalidInput
from common.money import MAX_MINOR

EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
# Clocks of tills and phones run ahead a little.
CLOCK_SLACK = dt.timedelta(minutes=5)
LONGEST_PROMISE = dt.timedelta(days=366)


def text(value: str, field: str, longest: int, *, required: bool = False) -> str:
    """`value` without outer spaces. Raises InvalidInput naming `field`."""
    value = value.strip()
    if "\x00" in value:
        raise InvalidInput(_("This text holds a character that cannot be kept."), field=field)
    if required and not value:
        raise InvalidInput(_("This is needed."), field=field)
    if len(value) > longest:
        message = _("Use at most %(longest)d characters; this has %(length)d.")
        raise InvalidInput(message % {"longest": longest, "length": len(value)}, field=field)
    return value


def choice(value: str, field: str, allowed: Collection[str]) -> str:
    if value not in allowed:
        raise InvalidInput(_("Choose one of the values offered."), field=field)
    return str(value)


def amount(value: int | None, field: str) -> int | None:
    """Minor units, from nothing to the largest amount kept."""
    if value is not None and not 0 <= value <= MAX_MINOR:
        raise InvalidInput(_("This amount is not possible."), field=field)
    return value


def past_moment(value: dt.datetime | None, field: str) -> dt.datetime | None:
    """An aware moment that has been, at most a few minutes ahead of our clock."""
    if value is None:
        return None
    if timezone.is_naive(value):
        raise InvalidInput(_("Give the time zone too."), field=field)
    if not EARLIEST <= value <= timezone.now() + CLOCK_SLACK:
        raise InvalidInput(_("This moment is in the future or too long ago."), field=field)
    return value


def future_moment(value: dt.datetime, field: str) -> dt.datetime:
    """An aware moment to come, within a year."""
    if timezone.is_naive(value):
        raise InvalidInput(_("Give the time zone too."), field=field)
    now = timezone.now()
    if not now < value <= now + LONGEST_PROMISE:
        raise InvalidInput(_("Choose a moment to come, within a year."), field=field)
    return value
