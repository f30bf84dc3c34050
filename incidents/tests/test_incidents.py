"""Opening and changing incidents, their clocks, steps and arrows."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from accounts.tests.factories import ApiClientFactory, StaffFactory
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed, Refusal, Stale, TransitionRefused
from incidents import registry
from incidents.actions import (
    add_note,
    break_promise,
    change_incident,
    change_severity,
    close_incident,
    keep_promise,
    make_promise,
    next_folio,
    reopen_incident,
    resolve_incident,
    start_recovery,
    tick_step,
)
from incidents.actions.incidents import AlreadyLogged, IncidentClosed, PromisesDue
from incidents.clocks import CLOCKS
from incidents.models import Incident, RecoveryStep
from incidents.selectors import done_steps, timeline
from incidents.states import IncidentState, Severity, Step

from .conftest import Desk


def acts(incident: Incident) -> list[str]:
    return list(
        AuditEvent.objects.filter(object_id=str(incident.pk))
        .order_by("id")
        .values_list("act", flat=True)
    )


def test_the_agent_who_logs_owns_it_with_the_team(desk: Desk) -> None:
    incident = desk.incident(
        location=desk.location, order_ref=" R-12 ", amount_at_stake_minor=90_000
    )
    incident.refresh_from_db()
    assert (incident.owner, incident.team, incident.logged_by) == (
        desk.agent,
        desk.team,
        desk.agent,
    )
    assert (incident.order_ref, incident.currency, incident.state) == ("R-12", "MXN", "open")
    assert (incident.severity, incident.severity_reason) == (Severity.MODERATE, "")
    assert acts(incident) == ["incident.opened"]


def test_logging_takes_few_queries(desk: Desk) -> None:
    customer = desk.customer()
    desk.incident(customer)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        desk.incident(customer)
    # The folio; row, step and audit in one.
    assert len(queries) == 2


def test_folios_count_by_market_and_local_year(desk: Desk, abroad: Desk) -> None:
    first, second = desk.incident().folio, desk.incident().folio
    assert re.fullmatch(r"MX-\d{4}-\d{6}", first)
    assert int(second[-6:]) == int(first[-6:]) + 1
    assert abroad.incident().folio.startswith("CO-")
    # One o'clock in the morning of January in UTC is still December in Mexico.
    moment = dt.datetime(2027, 1, 1, 1, tzinfo=dt.UTC)
    assert next_folio(desk.market, moment).startswith("MX-2026-")
    assert next_folio(desk.market, moment + dt.timedelta(hours=6)) == "MX-2027-000001"


@pytest.mark.parametrize("severity", Severity.values)
def test_clocks_run_by_severity(desk: Desk, severity: str) -> None:
    incident = desk.incident(severity=severity, severity_reason="lo pidió")
    assert incident.compensate_due_at == incident.logged_at + CLOCKS[severity].compensate
    assert incident.resolve_due_at == incident.logged_at + CLOCKS[severity].resolve


def test_another_severity_needs_its_reason(desk: Desk) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.incident(severity=Severity.CRITICAL)
    assert refused.value.field == "severity_reason"
    assert not Incident.objects.exists()
    incident = desk.incident(severity=Severity.CRITICAL, severity_reason="viaja con un bebé")
    with pytest.raises(InvalidInput):
        change_severity(incident=incident, severity=Severity.MINOR, reason=" ", by=desk.agent)
    changed = change_severity(
        incident=incident, severity=Severity.MINOR, reason="ya se fue", by=desk.agent
    )
    assert changed.resolve_due_at == incident.logged_at + CLOCKS["minor"].resolve


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("narrative", "  "),
        ("narrative", "x" * 5001),
        ("narrative", "a\x00b"),
        ("channel", "pigeon"),
        ("kind", "rant"),
        ("order_ref", "x" * 61),
        ("amount_at_stake_minor", -1),
        ("amount_at_stake_minor", 10**12 + 1),
        ("severity", "huge"),
        ("occurred_at", dt.datetime(2999, 1, 1, tzinfo=dt.UTC)),
        ("occurred_at", dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - a naive moment on purpose
    ],
)
def test_values_out_of_bounds_are_refused_by_name(desk: Desk, field: str, value: Any) -> None:
    customer = desk.customer()
    with pytest.raises(InvalidInput) as refused:
        desk.incident(customer, **{field: value})
    assert refused.value.field == field
    assert not Incident.objects.exists()


def test_rows_of_another_market_are_refused(desk: Desk, abroad: Desk) -> None:
    rows: dict[str, Any] = {"category": abroad.room, "location": abroad.location}
    for field, row in rows.items():
        with pytest.raises(InvalidInput) as refused:
            desk.incident(**{field: row})
        assert refused.value.field == field
    with pytest.raises(InvalidInput):
        desk.incident(abroad.customer())


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR, Role.CASHIER])
def test_only_agents_and_supervisors_log(desk: Desk, role: Role) -> None:
    customer = desk.customer()
    stranger = StaffFactory.create(market=desk.market, roles=[role])
    before = AuditEvent.objects.count()
    with pytest.raises(NotAllowed):
        Desk(desk.market, desk.team, desk.location, stranger, desk.room, desk.noise).incident(
            customer
        )
    assert not Incident.objects.exists()
    assert AuditEvent.objects.count() == before


def test_an_agent_of_another_market_logs_nothing_here(desk: Desk, abroad: Desk) -> None:
    customer = desk.customer()
    with pytest.raises(NotAllowed):
        Desk(desk.market, desk.team, desk.location, abroad.agent, desk.room, desk.noise).incident(
            customer
        )
    assert not Incident.objects.exists()


def test_a_client_logs_without_an_owner(desk: Desk) -> None:
    client = ApiClientFactory.create(market=desk.market, scopes=["incidents:write"])
    customer = desk.customer()
    desk.agent = client
    incident = desk.incident(customer)
    assert (incident.owner, incident.logged_by, incident.logged_by_client) == (None, None, client)
    assert AuditEvent.objects.get(object_id=str(incident.pk)).actor_kind == "client"


def test_the_same_source_row_is_logged_once(desk: Desk) -> None:
    first = desk.incident(source="crm", source_ref="A1")
    with pytest.raises(AlreadyLogged) as refused:
        desk.incident(source="crm", source_ref="A1")
    assert refused.value.extra["folio"] == first.folio
    desk.incident(source="crm", source_ref="A2")
    assert Incident.objects.count() == 2


def test_a_stale_version_changes_nothing(desk: Desk) -> None:
    incident = desk.incident()
    change_incident(incident=incident, version=1, by=desk.agent, order_ref="R-1")
    with pytest.raises(Stale) as refused:
        change_incident(incident=incident, version=1, by=desk.agent, order_ref="R-2")
    assert refused.value.extra == {"version": 2}
    incident.refresh_from_db()
    assert (incident.order_ref, incident.version) == ("R-1", 2)
    assert acts(incident) == ["incident.opened", "incident.changed"]


def test_the_audit_row_tells_what_changed_but_not_the_words(desk: Desk) -> None:
    incident = desk.incident()
    change_incident(
        incident=incident,
        version=1,
        by=desk.agent,
        narrative="Llámeme al 55 1234 5678",
        amount_at_stake_minor=500,
    )
    row = AuditEvent.objects.get(act="incident.changed")
    assert row.before == {"narrative": 23, "amount_at_stake_minor": None}
    assert row.after == {"narrative": 23, "amount_at_stake_minor": 500}


def test_a_new_category_brings_its_severity_unless_chosen(desk: Desk) -> None:
    followed = desk.incident()
    changed = change_incident(incident=followed, version=1, by=desk.agent, category=desk.noise)
    assert (changed.severity, changed.suggested_severity) == (Severity.MINOR, Severity.MINOR)
    chosen = desk.incident(severity=Severity.CRITICAL, severity_reason="un bebé")
    changed = change_incident(incident=chosen, version=1, by=desk.agent, category=desk.noise)
    assert (changed.severity, changed.severity_reason) == (Severity.CRITICAL, "un bebé")


def test_saving_nothing_new_changes_nothing(desk: Desk) -> None:
    incident = desk.incident()
    same = change_incident(incident=incident, version=1, by=desk.agent, channel="phone")
    assert same.version == 1
    assert acts(incident) == ["incident.opened"]


def test_an_owner_works_in_the_market(desk: Desk, abroad: Desk) -> None:
    incident = desk.incident()
    with pytest.raises(InvalidInput) as refused:
        change_incident(incident=incident, version=1, by=desk.agent, owner=abroad.agent)
    assert refused.value.field == "owner"


def test_a_case_goes_its_way_and_every_arrow_is_recorded(desk: Desk) -> None:
    incident = desk.incident()
    incident = start_recovery(incident=incident, by=desk.agent, compensated=True)
    incident = resolve_incident(incident=incident, resolution="Cambio de cuarto", by=desk.agent)
    assert incident.resolved_at is not None
    incident = close_incident(incident=incident, by=desk.agent)
    assert incident.closed_at is not None
    with pytest.raises(IncidentClosed):
        change_incident(incident=incident, version=incident.version, by=desk.agent, order_ref="R-9")
    with pytest.raises(InvalidInput):
        reopen_incident(incident=incident, reason="", by=desk.agent)
    incident = reopen_incident(incident=incident, reason="volvió a pasar", by=desk.agent)
    assert (incident.state, incident.closed_at, incident.resolved_at) == ("in_recovery", None, None)
    assert incident.resolve_due_at is not None
    assert incident.resolve_due_at > timezone.now()
    assert incident.version == 5
    assert acts(incident) == [
        "incident.opened",
        "incident.recovery_started",
        "incident.resolved",
        "incident.closed",
        "incident.reopened",
    ]
    assert AuditEvent.objects.get(act="incident.reopened").reason == "volvió a pasar"


def _unowned(desk: Desk) -> Incident:
    """A case as a program opens it: nobody's."""
    incident = desk.incident()
    Incident.objects.filter(pk=incident.pk).update(owner=None, team=None, logged_by=None)
    return Incident.objects.get(pk=incident.pk)


FIRST_WORK: dict[str, Callable[[Incident, Staff], object]] = {
    "a note": lambda row, by: add_note(incident=row, body="La llamo.", by=by),
    "a promise": lambda row, by: make_promise(
        incident=row, kind="call", due_at=timezone.now() + dt.timedelta(hours=1), by=by
    ),
    "a step": lambda row, by: tick_step(incident=row, step=Step.APOLOGISE, by=by),
    "recovery": lambda row, by: start_recovery(incident=row, by=by, compensated=True),
    "resolving": lambda row, by: resolve_incident(incident=row, resolution="Hecho.", by=by),
}


@pytest.mark.parametrize("work", FIRST_WORK)
def test_who_first_works_a_case_of_nobody_owns_it(work: str, desk: Desk) -> None:
    incident = _unowned(desk)
    version = incident.version
    FIRST_WORK[work](incident, desk.agent)
    row = Incident.objects.get(pk=incident.pk)
    assert (row.owner, row.team) == (desk.agent, desk.team)
    assert row.version > version
    told = AuditEvent.objects.get(object_id=str(row.pk), act="incident.changed")
    assert told.before == {"owner": None, "team": None}
    assert told.after == {"owner": str(desk.agent.pk), "team": str(desk.team.pk)}
    assert told.actor_name == desk.agent.name
    # The next person finds it owned.
    other = StaffFactory.create(market=desk.market, roles=[Role.AGENT])
    add_note(incident=row, body="Yo también.", by=other)
    assert Incident.objects.get(pk=row.pk).owner == desk.agent
    assert AuditEvent.objects.filter(object_id=str(row.pk), act="incident.changed").count() == 1


def test_who_only_comments_does_not_own_a_case(desk: Desk) -> None:
    incident = _unowned(desk)
    finance = StaffFactory.create(market=desk.market, roles=[Role.FINANCE])
    add_note(incident=incident, body="Visto.", by=finance)
    assert Incident.objects.get(pk=incident.pk).owner is None


def test_recovery_starts_once(desk: Desk) -> None:
    incident = start_recovery(incident=desk.incident(), by=desk.agent)
    start_recovery(incident=incident, by=desk.agent, compensated=True)
    first = Incident.objects.get(pk=incident.pk).compensated_at
    again = start_recovery(
        incident=Incident.objects.get(pk=incident.pk), by=desk.agent, compensated=True
    )
    assert again.compensated_at == first
    assert acts(incident).count("incident.recovery_started") == 1


@pytest.mark.parametrize("state", ["open", "in_recovery"])
def test_only_a_resolved_case_closes(desk: Desk, state: str) -> None:
    incident = desk.incident()
    if state == "in_recovery":
        start_recovery(incident=incident, by=desk.agent)
    with pytest.raises(TransitionRefused):
        close_incident(incident=incident, by=desk.agent)
    incident.refresh_from_db()
    assert incident.state == state


def test_an_open_case_is_not_reopened(desk: Desk) -> None:
    incident = desk.incident()
    with pytest.raises(TransitionRefused):
        reopen_incident(incident=incident, reason="porque sí", by=desk.agent)
    assert Incident.objects.get().state == IncidentState.OPEN


def test_a_promise_that_is_due_keeps_the_case_open(desk: Desk) -> None:
    incident = desk.incident()
    promise = make_promise(
        incident=incident, kind="call", due_at=timezone.now() + dt.timedelta(hours=2), by=desk.agent
    )
    resolve_incident(incident=incident, resolution="Listo", by=desk.agent)
    with pytest.raises(PromisesDue):
        close_incident(incident=incident, by=desk.agent)
    keep_promise(promise=promise, by=desk.agent)
    with pytest.raises(TransitionRefused):
        break_promise(promise=promise, by=desk.agent)
    assert close_incident(incident=incident, by=desk.agent).state == IncidentState.CLOSED


def test_a_promise_is_of_the_future(desk: Desk) -> None:
    incident = desk.incident()
    for due_at in (
        timezone.now() - dt.timedelta(minutes=1),
        timezone.now() + dt.timedelta(days=400),
    ):
        with pytest.raises(InvalidInput) as refused:
            make_promise(incident=incident, kind="call", due_at=due_at, by=desk.agent)
        assert refused.value.field == "due_at"


def test_a_higher_app_may_forbid_closing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_closing_checks", [])
    registry.register_closing_check(lambda incident: Refusal("no todavía"))
    incident = resolve_incident(incident=desk.incident(), resolution="Listo", by=desk.agent)
    with pytest.raises(Refusal, match="no todavía"):
        close_incident(incident=incident, by=desk.agent)
    assert Incident.objects.get().state == IncidentState.RESOLVED


def test_steps_tick_themselves_where_an_act_proves_them(desk: Desk) -> None:
    incident = desk.incident()
    proofs = lambda: {step: row and row.proof for step, row in done_steps(incident).items()}  # noqa: E731
    assert proofs()[Step.LISTEN] == "logged"
    assert proofs()[Step.COMPENSATE] is None
    start_recovery(incident=incident, by=desk.agent, compensated=True)
    assert proofs()[Step.COMPENSATE] == "granted"
    assert tick_step(incident=incident, step=Step.APOLOGISE, by=desk.agent)
    assert not tick_step(incident=incident, step=Step.APOLOGISE, by=desk.agent)
    resolve_incident(incident=incident, resolution="Listo", by=desk.agent)
    assert proofs()[Step.CORRECT] == "resolved"
    assert RecoveryStep.objects.count() == 4
    assert acts(incident).count("incident.step_done") == 1


def test_the_timeline_is_newest_first(desk: Desk) -> None:
    incident = desk.incident()
    note = add_note(incident=incident, body="Habló con el gerente", by=desk.agent)
    entries = timeline(incident)
    assert [entry.kind for entry in entries] == ["note", "event"]
    assert entries[0].item == note


def test_a_note_may_come_from_finance_but_not_from_a_cashier(desk: Desk) -> None:
    incident = desk.incident()
    finance: Staff = StaffFactory.create(market=desk.market, roles=[Role.FINANCE])
    add_note(incident=incident, body="Visto", by=finance)
    cashier: Staff = StaffFactory.create(market=desk.market, roles=[Role.CASHIER])
    with pytest.raises(NotAllowed):
        add_note(incident=incident, body="Visto", by=cashier)
    assert incident.notes.count() == 1


@time_machine.travel(dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC), tick=False)
def test_what_happened_may_be_a_moment_ahead_of_our_clock(desk: Desk) -> None:
    ahead = timezone.now() + dt.timedelta(minutes=4)
    assert desk.incident(occurred_at=ahead).occurred_at == ahead


def test_a_step_is_of_a_case_and_by_somebody_known(desk: Desk) -> None:
    case = desk.incident()
    step = RecoveryStep(incident=case, step=Step.APOLOGISE, proof="person", done_by=desk.agent)
    step.save()
    for name in ("incident_id", "done_by_id"):
        wrong = RecoveryStep(incident=case, step=Step.EXPLAIN, proof="person")
        setattr(wrong, name, uuid.uuid4())
        for write in (
            wrong.save,
            partial(RecoveryStep.objects.filter(pk=step.pk).update, **{name: uuid.uuid4()}),
        ):
            with pytest.raises(IntegrityError, match="a step is of a case"), transaction.atomic():
                write()
