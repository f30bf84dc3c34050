"""What several pages need of a case: finding it for this person, and its row in a list."""

import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.http import Http404
from django.utils import timezone

from incidents.models import Customer, Incident
from incidents.selectors import readable_case, visible_customers
from incidents.states import IncidentState

from ..clocks import Clock, next_clock
from ..places import Desk


@dataclass(frozen=True, slots=True)
class CaseRow:
    incident: Incident
    clock: Clock | None
    # Whether something granted waits for a person to hand it over.
    to_hand_over: bool = False

    @property
    def state_label(self) -> str:
        """As `get_state_display`, which makes its choices anew each time."""
        return str(IncidentState(self.incident.state).label)


def case_row(incident: Incident, *, to_hand_over: bool = False) -> CaseRow:
    """A case with its running clock."""
    return CaseRow(incident, next_clock(incident), to_hand_over)


def case_or_404(desk: Desk, folio: str) -> Incident:
    """The case, if this person may see it; else the same 404 as for one that never was."""
    found = readable_case(desk.staff, folio)
    if found is None:
        raise Http404
    # Its clocks and dates are those of its own market, whichever the person is working in.
    timezone.activate(ZoneInfo(found.market.time_zone))
    return found


def customer_or_404(desk: Desk, pk: uuid.UUID) -> Customer:
    """The customer, if this person may see them."""
    found = visible_customers(desk.staff).filter(pk=pk).first()
    if found is None:
        raise Http404
    timezone.activate(ZoneInfo(found.market.time_zone))
    return found
