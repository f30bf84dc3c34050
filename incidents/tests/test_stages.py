"""The stages that lists go by are those of the states, and a first grant touches no index."""

from itertools import chain, combinations

import pytest
from django.db import connection

from incidents.actions import start_recovery
from incidents.models import Incident
from incidents.selectors import UNRESOLVED, in_states
from incidents.states import STAGES, IncidentState

from .conftest import Desk

pytestmark = pytest.mark.django_db

SOME_STATES = list(
    chain.from_iterable(combinations(IncidentState.values, count) for count in range(1, 5))
)
# How an open case gets there, as the arrows are drawn.
WAYS = {
    "open": (),
    "in_recovery": ("in_recovery",),
    "resolved": ("resolved",),
    "closed": ("resolved", "closed"),
}


@pytest.fixture
def one_of_each(desk: Desk) -> dict[str, Incident]:
    made = {state: desk.incident() for state in IncidentState.values}
    for state, ways in WAYS.items():
        for way in ways:
            Incident.objects.filter(pk=made[state].pk).update(state=way)
    return made


def test_every_state_has_a_stage() -> None:
    assert set(STAGES) == set(IncidentState)


def test_the_database_knows_the_stage_of_each_state(one_of_each: dict[str, Incident]) -> None:
    assert dict(Incident.objects.values_list("state", "stage")) == STAGES


@pytest.mark.parametrize("states", SOME_STATES)
def test_cases_in_some_states_are_those(
    one_of_each: dict[str, Incident], states: tuple[str, ...]
) -> None:
    found = Incident.objects.filter(in_states(states)).values_list("state", flat=True)
    assert set(found) == set(states)


def test_what_is_not_resolved_is_open_or_in_recovery(one_of_each: dict[str, Incident]) -> None:
    found = Incident.objects.filter(UNRESOLVED).values_list("state", flat=True)
    assert set(found) == {IncidentState.OPEN, IncidentState.IN_RECOVERY}


def _written_in_place() -> int:
    """Rows of cases that this transaction wrote anew without an entry in any index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('incidents_incident'::regclass)")
        return int(cursor.fetchone()[0])


def test_the_first_grant_on_a_case_touches_no_index_of_cases(desk: Desk) -> None:
    case = desk.incident()
    before = _written_in_place()
    start_recovery(incident=case, by=desk.agent, compensated=True)
    case.refresh_from_db()
    assert case.state == IncidentState.IN_RECOVERY
    assert _written_in_place() == before + 1
