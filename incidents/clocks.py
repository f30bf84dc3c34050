"""How soon a failure must be answered, by severity.

The promise is made to a person who is upset now: a critical failure (no room, an allergy, a safety
matter) has the customer standing there, so a remedy is owed within the conversation and the matter
settled before the shift ends; a moderate one within the visit; a minor one the same working day.
Elapsed time, not business hours: a hotel and a delivery fleet never close. Rows that were imported
carry no clocks, since nobody was at the desk for them.
"""

import datetime as dt
from dataclasses import dataclass

from .states import Severity


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time allowed from logging to a compensation, and to a resolution."""

    compensate: dt.timedelta
    resolve: dt.timedelta


CLOCKS: dict[str, Clocks] = {
    Severity.CRITICAL: Clocks(dt.timedelta(minutes=15), dt.timedelta(hours=4)),
    Severity.MODERATE: Clocks(dt.timedelta(minutes=60), dt.timedelta(hours=24)),
    Severity.MINOR: Clocks(dt.timedelta(hours=4), dt.timedelta(hours=72)),
}


def due(severity: str, start: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The moments by which to compensate and to resolve, counted from the aware moment `start`."""
    clocks = CLOCKS[severity]
    return start + clocks.compensate, start + clocks.resolve
