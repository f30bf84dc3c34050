"""Invariant 12: only the declared transitions happen, from any door.

The tables of `states.py` and the triggers of the database are compared, arrow by arrow; and every
pair of states is tried on a real row through the ORM and through raw SQL.
"""

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from common.states import Transitions, as_pairs
from compensations.actions import (
    approve,
    grant,
    lapse_due,
    redeem,
    reject,
    request,
    void,
    withdraw,
)
from compensations.models import Approval, Compensation
from compensations.states import (
    APPROVAL_TRANSITIONS,
    COMPENSATION_TRANSITIONS,
    ApprovalState,
    CompensationState,
)
from compensations.tests.scenario import build, code_of
from incidents.actions import (
    close_incident,
    keep_promise,
    make_promise,
    reopen_incident,
    resolve_incident,
    start_recovery,
)
from incidents.models import Incident, Promise
from incidents.states import (
    INCIDENT_TRANSITIONS,
    PROMISE_TRANSITIONS,
    IncidentState,
    PromiseState,
)
from incidents.tests.conftest import Desk, desk
from incidents.tests.factories import IncidentFactory

__all__ = ["desk"]
APPS = ("audit", "accounts", "delivery", "incidents", "compensations", "reporting")


def declared() -> dict[str, Transitions]:
    """Every table of arrows in the project, by `app.NAME`."""
    found: dict[str, Transitions] = {}
    for app in APPS:
        try:
            module = importlib.import_module(f"{app}.states")
        except ModuleNotFoundError:
            continue
        for name in vars(module):
            if name.endswith("_TRANSITIONS"):
                found[f"{app}.{name}"] = getattr(module, name)
    return found


def guarded() -> dict[str, list[str]]:
    """The arrows that each table's trigger allows, as the database has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgenabled = 'O' AND tgfoid = 'guard_transition'::regproc"
        )
        return {
            table: sorted(re.findall(r"'([a-z_]+>[a-z_]+)'", definition))
            for table, definition in cursor.fetchall()
        }


def stateful() -> Iterator[type[models.Model]]:
    """Every model whose rows go through states."""
    for model in apps.get_models():
        if model._meta.app_label in APPS and any(
            field.name == "state" for field in model._meta.concrete_fields
        ):
            yield model


@pytest.mark.django_db
def test_every_table_of_arrows_is_the_trigger_of_one_table() -> None:
    tables = sorted(map(tuple, guarded().values()))
    assert tables == sorted(tuple(as_pairs(table)) for table in declared().values())
    assert len(tables) >= 8


@pytest.mark.django_db
def test_every_model_with_a_state_has_its_guard() -> None:
    guards = guarded()
    # A receipt is what a provider said of a message, not a state that it goes through.
    without = {model._meta.db_table for model in stateful()} - guards.keys()
    assert without == {"delivery_receipt"}


@pytest.mark.django_db
def test_arrows_go_between_states_that_exist() -> None:
    for model in stateful():
        pairs = guarded().get(model._meta.db_table)
        if pairs is None:
            continue
        choices: Any = getattr(model._meta.get_field("state"), "choices", ())
        states = {value for value, _label in choices}
        assert {end for pair in pairs for end in pair.split(">")} <= states, model


STATES = [str(state) for state in IncidentState]
PROMISES = [str(state) for state in PromiseState]


def _tries(row: models.Model, target: str) -> Iterator[tuple[str, bool]]:
    """Each door to a state without the actions, and whether it let the row through."""
    table = row._meta.db_table

    def orm_save() -> None:
        fresh = type(row)._base_manager.get(pk=row.pk)
        fresh.state = target  # type: ignore[attr-defined]
        fresh.save()

    def orm_update() -> None:
        type(row)._base_manager.filter(pk=row.pk).update(state=target)

    def raw() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET state = %s WHERE id = %s", [target, row.pk])  # noqa: S608

    for door in (orm_save, orm_update, raw):
        passed = False
        point = transaction.savepoint()
        try:
            with transaction.atomic():
                door()
            passed = type(row)._base_manager.get(pk=row.pk).state == target  # type: ignore[attr-defined]
        except IntegrityError:
            passed = False
        transaction.savepoint_rollback(point)
        yield door.__name__, passed


@pytest.mark.django_db
@pytest.mark.parametrize("source", STATES)
@pytest.mark.parametrize("target", STATES)
def test_an_incident_moves_only_along_its_arrows(desk: Desk, source: str, target: str) -> None:
    incident = IncidentFactory.create(market=desk.market, state=source)
    allowed = source == target or target in INCIDENT_TRANSITIONS.get(source, frozenset())
    for door, passed in _tries(incident, target):
        assert passed == allowed, door


@pytest.mark.django_db
@pytest.mark.parametrize("source", PROMISES)
@pytest.mark.parametrize("target", PROMISES)
def test_a_promise_moves_only_along_its_arrows(desk: Desk, source: str, target: str) -> None:
    incident = desk.incident()
    promise = Promise.objects.create(
        incident=incident,
        market=desk.market,
        kind="call",
        due_at=incident.logged_at,
        owner=desk.agent,
        created_by=desk.agent,
        state=source,
    )
    allowed = source == target or target in PROMISE_TRANSITIONS.get(source, frozenset())
    for door, passed in _tries(promise, target):
        assert passed == allowed, door


COMPENSATIONS = [str(state) for state in CompensationState]
APPROVALS = [str(state) for state in ApprovalState]


def _made(source: str, agent_asks: bool = False) -> Compensation:
    """A compensation brought to a state along its arrows, and an approval beside it."""
    company = build()
    incident = company.incident()
    if source in {"requested", "rejected", "withdrawn", "lapsed"} or agent_asks:
        row = request(
            incident=incident, offer=company.offers["large"], reason="Otra vez", by=company.agent
        )
        waiting = row.approvals.get()
        if source == "rejected":
            reject(approval=waiting, reason="No", by=company.supervisor)
        elif source == "withdrawn":
            withdraw(approval=waiting, by=company.agent)
        elif source == "lapsed":
            Approval.objects.update(lapses_at=waiting.requested_at)
            lapse_due()
        elif source == "approved":
            approve(approval=waiting, by=company.supervisor)
        return row
    row = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    if source == "voided":
        void(compensation=row, reason="Error", by=company.agent)
    elif source == "settled":
        redeem(
            code=code_of(row), external_transaction_id="T", market=company.market, by=company.till
        )
    elif source == "expired":
        Compensation.objects.filter(pk=row.pk).update(state="expired", ended_at=row.issued_at)
    return row


# What the other columns ask of a state, beside the arrow that leads to it.
ALSO = {
    "issued": {"issued_at": "2026-01-01T00:00Z"},
    "voided": {"void_reason": "x"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("source", COMPENSATIONS)
@pytest.mark.parametrize("target", COMPENSATIONS)
def test_a_compensation_moves_only_along_its_arrows(source: str, target: str) -> None:
    row = _made(source)
    assert Compensation.objects.get(pk=row.pk).state == source
    drawn = target in COMPENSATION_TRANSITIONS.get(source, frozenset())
    for door, passed in _tries(row, target):
        # An arrow that is drawn may still ask for more than the state alone.
        assert source == target or drawn or not passed, door
    more: dict[str, Any] = {**ALSO.get(target, {})}
    if target == "voided":
        more["voided_by"] = row.granted_by_id
    elif source == "voided":
        more |= {"voided_by": None, "void_reason": ""}
    try:
        with transaction.atomic():
            Compensation.objects.filter(pk=row.pk).update(state=target, **more)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        passed = True
    except IntegrityError:
        passed = False
    # What was requested is issued by its approval alone, what was used open again by a reversal.
    by_another = (source, target) in {("requested", "issued"), ("settled", "issued")}
    assert passed == (source == target or (drawn and not by_another))


@pytest.mark.django_db
@pytest.mark.parametrize("source", APPROVALS)
@pytest.mark.parametrize("target", APPROVALS)
def test_an_approval_moves_only_along_its_arrows(source: str, target: str) -> None:
    row = _made(source, agent_asks=True)
    waiting = row.approvals.get()
    assert waiting.state == source
    drawn = target in APPROVAL_TRANSITIONS.get(source, frozenset())
    decided = target in {"approved", "rejected"}
    more: dict[str, Any] = {
        "decided_at": waiting.requested_at if decided else None,
        "decided_by": waiting.decided_by_id or _another(row) if decided else None,
        "decision_reason": "x" if target == "rejected" else waiting.decision_reason,
        "closed_at": waiting.requested_at if target in {"withdrawn", "lapsed"} else None,
    }
    try:
        with transaction.atomic():
            Approval.objects.filter(pk=waiting.pk).update(state=target, **more)
        passed = True
    except IntegrityError:
        passed = False
    assert passed == (source == target or drawn)


def _another(row: Compensation) -> Any:
    return (
        type(row.granted_by).objects.exclude(pk=row.granted_by_id).values_list("pk", flat=True)[0]
    )


@pytest.mark.django_db
def test_actions_and_tables_agree_on_the_way_through(desk: Desk) -> None:
    incident = start_recovery(incident=desk.incident(), by=desk.agent)
    incident = resolve_incident(incident=incident, resolution="Listo", by=desk.agent)
    incident = close_incident(incident=incident, by=desk.agent)
    incident = reopen_incident(incident=incident, reason="volvió", by=desk.agent)
    promise = make_promise(
        incident=incident,
        kind="call",
        due_at=incident.logged_at.replace(year=incident.logged_at.year + 1),
        by=desk.agent,
    )
    assert keep_promise(promise=promise, by=desk.agent).state == PromiseState.KEPT
    assert Incident.objects.get().state == IncidentState.IN_RECOVERY
