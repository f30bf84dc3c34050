"""The clock that a case shows: the next moment by which somebody must act, and its arithmetic."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from incidents.clocks import CLOCKS
from incidents.models import Incident
from incidents.states import IncidentState, Severity

OPEN_STATES = (IncidentState.OPEN, IncidentState.IN_RECOVERY)


@dataclass(frozen=True, slots=True)
class Clock:
    """An aware moment, what is due then, how it was counted, and, once over, whether it was met."""

    due: dt.datetime
    label: str
    why: str
    met: bool | None = None


def _span(allowed: dt.timedelta) -> str:
    hours, minutes = divmod(int(allowed.total_seconds()) // 60, 60)
    if not hours:
        return _("%(minutes)d min") % {"minutes": minutes}
    return _("%(hours)d h") % {"hours": hours}


def _why(incident: Incident, allowed: dt.timedelta) -> str:
    return _("%(severity)s: %(span)s counted from %(moment)s") % {
        "severity": Severity(incident.severity).label,
        "span": _span(allowed),
        "moment": date_format(timezone.localtime(incident.logged_at), "SHORT_DATETIME_FORMAT"),
    }


def compensation_clock(incident: Incident) -> Clock | None:
    """By when to compensate; None for a case without clocks."""
    due, done = incident.compensate_due_at, incident.compensated_at
    if due is None or (done is None and incident.state not in OPEN_STATES):
        return None
    return Clock(
        due,
        _("Compensate before"),
        _why(incident, CLOCKS[incident.severity].compensate),
        None if done is None else done <= due,
    )


def resolution_clock(incident: Incident) -> Clock | None:
    """By when to resolve; None for a case without clocks."""
    due, done = incident.resolve_due_at, incident.resolved_at
    if due is None:
        return None
    return Clock(
        due,
        _("Resolve before"),
        _why(incident, CLOCKS[incident.severity].resolve),
        None if done is None else done <= due,
    )


def next_clock(incident: Incident) -> Clock | None:
    """The one that runs out next: compensating first, as long as nothing was given."""
    if incident.state not in OPEN_STATES:
        return None
    first = compensation_clock(incident)
    return first if first is not None and first.met is None else resolution_clock(incident)
