"""Bounds of what is typed, judged in one place for pages, API and imports alike."""

import datetime as dt
from collections.abc import Callable, Collection
from typing import ParamSpec, TypeVar, cast

from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import InvalidInput, SeveralFaults
from common.money import MAX_MINOR

from .states import Severity

P = ParamSpec("P")
T = TypeVar("T")

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


def severity(value: str | None, suggested: str, reason: str) -> tuple[str, str]:
    """Severity, the suggested one unless given, and the reason that another one needs."""
    value = choice(value or suggested, "severity", Severity.values)
    reason = text(reason, "severity_reason", 300)
    if value == suggested:
        return value, ""
    if not reason:
        raise InvalidInput(
            _("Say why this severity differs from the suggested one."), field="severity_reason"
        )
    return value, reason


class Faults:
    """Judges the values of one act and tells together what is wrong with any of them."""

    def __init__(self) -> None:
        self.found: list[InvalidInput] = []

    def of(self, judge: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `judge` makes of a value; nothing after a fault, and then `refuse` raises."""
        try:
            return judge(*args, **kwargs)
        except InvalidInput as fault:
            self.found.append(fault)
            return cast("T", None)

    def refuse(self) -> None:
        """Raises what was found, if anything: one fault as it is, several as SeveralFaults."""
        if len(self.found) > 1:
            raise SeveralFaults(self.found)
        for fault in self.found:
            raise fault
