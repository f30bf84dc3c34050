"""Writes of incidents: opening, changing, and the arrows of their life.

Opening is the hot one: a folio, then the row with its first step, its audit row and the commit.
Every later write locks the row, checks the arrow or the version, and grows `version`.
"""

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiClient, Location, Market, Staff, Team
from accounts.states import Scope
from audit.actions import Actor, event, record
from common.errors import InvalidInput, Refusal, Stale, TransitionRefused
from common.prepared import prepared
from common.rows import Batch, fresh
from common.states import check_transition
from common.windows import local_date

from .. import bounds, registry
from ..access import WRITERS, authorise
from ..clocks import due
from ..models import Category, Customer, Incident, Promise, RecoveryStep
from ..states import (
    INCIDENT_TRANSITIONS,
    ContactChannel,
    IncidentKind,
    IncidentState,
    PromiseState,
    Step,
)

By = Staff | ApiClient


class IncidentClosed(Refusal):
    """A closed case is read only until somebody reopens it."""

    code = "incident_closed"
    default_message = _("This case is closed. Reopen it to change it.")


class PromisesDue(Refusal):
    """Something promised to the customer is still owed."""

    code = "promises_due"
    default_message = _("A promise to the customer is still due. Keep, break or cancel it first.")


class AlreadyLogged(Refusal):
    """The source has sent this row before."""

    code = "already_logged"
    default_message = _("This was logged before under the same source and reference.")


def next_folio(market: Market, moment: dt.datetime) -> str:
    """`MX-2026-004182`: market, year of the market's local date, a number of that year."""
    year = local_date(moment, market.time_zone).year
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, "SELECT next_folio(%s, %s)"), [market.code, year])
        (number,) = cursor.fetchone()
    return f"{market.code}-{year}-{number:06d}"


def _of_market(market_id: int, row: Any, field: str) -> Any:
    """`row`, refused when it belongs to another market or is no longer in use."""
    if row is not None and (row.market_id != market_id or not getattr(row, "is_active", True)):
        raise InvalidInput(_("Choose one of the values offered."), field=field)
    return row


@transaction.atomic
def open_incident(
    *,
    market: Market,
    customer: Customer,
    category: Category,
    severity: str | None = None,
    severity_reason: str = "",
    narrative: str,
    channel: str,
    kind: str = IncidentKind.CLAIM,
    location: Location | None = None,
    order_ref: str = "",
    amount_at_stake_minor: int | None = None,
    occurred_at: dt.datetime | None = None,
    by: By,
    source: str = "",
    source_ref: str = "",
) -> Incident:
    """Logs one complaint or failure. The member of staff who logs it owns it, with their team.

    `severity` is the category's suggestion unless given; another one needs `severity_reason`.
    Amounts are minor units of the market's currency; moments are aware. `source` and `source_ref`
    make a repeat of the same row an `AlreadyLogged` with the first one's folio.
    Raises NotAllowed, InvalidInput, SeveralFaults.
    """
    actor = authorise(by, market, *WRITERS, scope=Scope.INCIDENTS_WRITE)
    staff = by if isinstance(by, Staff) else None
    if not market.is_active:
        raise InvalidInput(_("This market is closed."), field="market")
    _of_market(market.pk, customer, "customer")
    _of_market(market.pk, category, "category")
    _of_market(market.pk, location, "location")
    faults = bounds.Faults()
    judged = faults.of(bounds.severity, severity, category.suggested_severity, severity_reason)
    words = faults.of(bounds.text, narrative, "narrative", 5000, required=True)
    kind = faults.of(bounds.choice, kind, "kind", IncidentKind.values)
    channel = faults.of(bounds.choice, channel, "channel", ContactChannel.values)
    order_ref = faults.of(bounds.text, order_ref, "order_ref", 60)
    at_stake = faults.of(bounds.amount, amount_at_stake_minor, "amount_at_stake_minor")
    occurred_at = faults.of(bounds.past_moment, occurred_at, "occurred_at")
    faults.refuse()
    severity, severity_reason = judged
    source = bounds.text(source, "source", 60)
    source_ref = bounds.text(source_ref, "source_ref", 120, required=bool(source))
    now = timezone.now()
    compensate_due_at, resolve_due_at = due(severity, now)
    incident = fresh(
        Incident,
        market=market,
        customer=customer,
        kind=kind,
        category=category,
        severity=severity,
        suggested_severity=category.suggested_severity,
        severity_reason=severity_reason,
        narrative=words,
        channel=channel,
        location=location,
        order_ref=order_ref,
        amount_at_stake_minor=at_stake,
        currency=market.currency,
        owner=staff,
        team_id=staff.team_id if staff else None,
        occurred_at=occurred_at,
        logged_at=now,
        logged_by=staff,
        logged_by_client=by if isinstance(by, ApiClient) else None,
        compensate_due_at=compensate_due_at,
        resolve_due_at=resolve_due_at,
        source=source,
        source_ref=source_ref,
    )
    if source:
        _refuse_repeat(incident)
    incident.folio = next_folio(market, now)
    batch = Batch()
    batch.insert(
        incident,
        # The customer's words on record are the proof that somebody listened.
        fresh(RecoveryStep, incident=incident, step=Step.LISTEN, proof="logged", done_by=staff),
        event(**_happened("incident.opened", actor, incident, after=_facts(incident))),
    )
    batch.send(and_commit=True)
    return incident


def _refuse_repeat(incident: Incident) -> None:
    """One row for each source and reference, two simultaneous senders included."""
    key = f"{incident.market_id}:{incident.source}:{incident.source_ref}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    folio = (
        Incident.objects.filter(
            market_id=incident.market_id, source=incident.source, source_ref=incident.source_ref
        )
        .values_list("folio", flat=True)
        .first()
    )
    if folio is not None:
        raise AlreadyLogged(field="source_ref", extra={"folio": folio})


def _facts(incident: Incident) -> dict[str, Any]:
    return {
        "folio": incident.folio,
        "category": incident.category.code,
        "severity": str(incident.severity),
        "suggested_severity": str(incident.suggested_severity),
        "channel": str(incident.channel),
        "amount_at_stake_minor": incident.amount_at_stake_minor,
        "currency": incident.currency,
    }


def _audit(act: str, actor: Actor, incident: Incident, **more: Any) -> None:
    record(**_happened(act, actor, incident, **more))


def _happened(act: str, actor: Actor, incident: Incident, **more: Any) -> dict[str, Any]:
    return {
        "act": act,
        "by": actor,
        "object_kind": "incident",
        "object_id": incident.pk,
        "market_code": incident.market.code,
        **more,
    }


def lock_incident(incident: Incident) -> Incident:
    """The row as it is now, held until the transaction ends."""
    return (
        Incident.objects.select_for_update(of=("self",))
        .select_related("market", "category")
        .get(pk=incident.pk)
    )


def _own(row: Incident, by: Staff, actor: Actor | None = None) -> dict[str, Any] | None:
    """Makes `by` the owner of a locked row that nobody owns; gives what its audit row says.

    `actor` is who makes them so, where that is another.
    """
    if row.owner_id is not None or not by.is_active or not by.has_role(row.market_id, *WRITERS):
        return None
    actor = actor or authorise(by, row.market_id, *WRITERS)
    before = {"owner": None, "team": str(row.team_id) if row.team_id else None}
    row.owner, row.team_id = by, by.team_id
    row.version += 1
    after = {"owner": str(by.pk), "team": str(by.team_id) if by.team_id else None}
    return _happened("incident.changed", actor, row, before=before, after=after)


@transaction.atomic
def take_on(*, incident: Incident, by: Staff) -> bool:
    """Whoever first works a case that nobody owns owns it, with their team; says whether.

    A program opens such cases. One that has an owner or is closed stays as it is, and so does one
    that somebody comments on who works no cases.
    """
    if incident.owner_id is not None:
        return False
    row = lock_incident(incident)
    if row.state == IncidentState.CLOSED:
        return False
    said = _own(row, by)
    if said is None:
        return False
    row.save(update_fields=["owner", "team", "version"])
    record(**said)
    incident.owner, incident.team_id, incident.version = row.owner, row.team_id, row.version
    return True


CHANGEABLE = {
    "kind",
    "category",
    "narrative",
    "channel",
    "location",
    "order_ref",
    "amount_at_stake_minor",
    "occurred_at",
    "owner",
    "team",
    "severity",
    "severity_reason",
}


def _clean(incident: Incident, fields: dict[str, Any]) -> dict[str, Any]:
    """What was given, within its bounds; refuses rows of other markets."""
    market_id = incident.market_id
    clean: dict[str, Any] = {}
    for field, value in fields.items():
        match field:
            case "narrative":
                value = bounds.text(value, field, 5000, required=True)
            case "order_ref":
                value = bounds.text(value, field, 60)
            case "kind":
                value = bounds.choice(value, field, IncidentKind.values)
            case "channel":
                value = bounds.choice(value, field, ContactChannel.values)
            case "amount_at_stake_minor":
                value = bounds.amount(value, field)
            case "occurred_at":
                value = bounds.past_moment(value, field)
            case "category" | "location" | "team":
                if value is None and field == "category":
                    raise InvalidInput(_("This is needed."), field=field)
                value = _of_market(market_id, value, field)
            case "owner":
                if value is not None and not value.has_role(market_id, *WRITERS):
                    raise InvalidInput(
                        _("This person does not work cases in this market."), field=field
                    )
        clean[field] = value
    return clean


def _shown(value: Any) -> Any:
    """A field's value for the audit row."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Category | Location):
        return value.code
    if isinstance(value, Staff | Team):
        return str(value.pk)
    return value if value is None or isinstance(value, int) else str(value)


@transaction.atomic
def change_incident(*, incident: Incident, version: int, by: By, **fields: Any) -> Incident:
    """Changes the given fields of a case that still has `version`.

    Takes any of `CHANGEABLE`. A new category brings its suggested severity, unless somebody had
    chosen another on purpose. With no field it only checks the version. Raises Stale (extra:
    the present version), IncidentClosed, InvalidInput, NotAllowed, or what a higher app refuses of
    another amount at stake.
    """
    unknown = fields.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not changeable: {sorted(unknown)}")
    row = lock_incident(incident)
    actor = authorise(by, row.market_id, *WRITERS, scope=Scope.INCIDENTS_WRITE)
    if row.version != version:
        raise Stale(extra={"version": row.version})
    if fields and row.state == IncidentState.CLOSED:
        raise IncidentClosed
    reason = fields.pop("severity_reason", None)
    clean = _clean(row, fields)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    severity = clean.pop("severity", None)
    for field, value in clean.items():
        old = getattr(row, field)
        if value != old:
            setattr(row, field, value)
            # The customer's words may hold contacts: that they changed is recorded, not what.
            private = field == "narrative"
            before[field] = len(old) if private else _shown(old)
            after[field] = len(value) if private else _shown(value)
    if "amount_at_stake_minor" in after:
        _check_stake(row)
    _settle_severity(row, severity, reason, before, after)
    if not after:
        return row
    row.version += 1
    row.save()
    _audit("incident.changed", actor, row, before=before, after=after)
    return row


def _check_stake(row: Incident) -> None:
    """Raises what a higher app has against the new amount at stake of a locked row."""
    for check in registry.stake_checks():
        refusal = check(row)
        if refusal is not None:
            raise refusal


def _settle_severity(
    row: Incident,
    severity: str | None,
    reason: str | None,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Severity after the other fields: as given, or following a new category's suggestion."""
    old, old_reason, old_suggested = row.severity, row.severity_reason, row.suggested_severity
    row.suggested_severity = row.category.suggested_severity
    if severity is None:
        followed = old == old_suggested
        severity = row.suggested_severity if followed else old
    row.severity, row.severity_reason = bounds.severity(
        severity, row.suggested_severity, old_reason if reason is None else reason
    )
    if row.severity != old:
        before["severity"], after["severity"] = str(old), str(row.severity)
        _restart_clocks(row, row.logged_at)
    if row.severity_reason != old_reason:
        before["severity_reason"] = old_reason
        after["severity_reason"] = row.severity_reason


def _restart_clocks(row: Incident, start: dt.datetime) -> None:
    """Recounts the clocks that run; a row that was imported has none."""
    if row.resolve_due_at is None:
        return
    compensate_due_at, row.resolve_due_at = due(row.severity, start)
    if row.compensated_at is None:
        row.compensate_due_at = compensate_due_at


def change_severity(*, incident: Incident, severity: str, reason: str, by: Staff) -> Incident:
    """Another severity with its reason; the clocks are counted again from the logging.

    Raises InvalidInput without a reason where it differs from the suggestion.
    """
    return change_incident(
        incident=incident,
        version=incident.version,
        by=by,
        severity=severity,
        severity_reason=reason,
    )


def _move(row: Incident, target: str, act: str, actor: Actor, reason: str = "") -> None:
    before = row.state
    row.state = target
    row.version += 1
    row.save()
    _audit(
        act,
        actor,
        row,
        before={"state": str(before)},
        after={"state": str(target)},
        reason=reason,
    )


_WORKED = """
UPDATE incidents_incident
SET owner_id = %s, team_id = %s, state = %s, compensated_at = %s, version = %s WHERE id = %s
"""
_COMPENSATED = """
INSERT INTO incidents_recoverystep (incident_id, step, done_by_id, proof)
VALUES (%s, 'compensate', %s, 'granted') ON CONFLICT DO NOTHING
"""


def start_recovery(
    *,
    incident: Incident,
    by: Staff,
    compensated: bool = False,
    decided_by: Actor | None = None,
    batch: Batch | None = None,
) -> Incident:
    """Puts an open case in recovery; `incident` is a row that the caller has locked.

    A case that nobody owns becomes `by`'s. With `compensated` the moment of the first compensation
    is kept and the step ticked: what a grant proves. A case that is in recovery already stays
    there. The work is `by`'s; where another person's yes is what moves the case, as with a
    request, `decided_by` is who the trail names. The statements join `batch`, for a caller that
    sends it in the same transaction; without one they are sent at once.
    """
    sent = Batch() if batch is None else batch
    owned = _own(incident, by, decided_by)
    if owned is not None:
        sent.insert(event(**owned))
    moved = incident.state == IncidentState.OPEN
    first = compensated and incident.compensated_at is None
    if moved:
        incident.state = IncidentState.IN_RECOVERY
    if first:
        incident.compensated_at = timezone.now()
    if moved or first:
        incident.version += 1
    if moved:
        actor = decided_by or authorise(by, incident.market_id, *WRITERS)
        states = {
            "before": {"state": str(IncidentState.OPEN)},
            "after": {"state": str(IncidentState.IN_RECOVERY)},
        }
        sent.insert(event(**_happened("incident.recovery_started", actor, incident, **states)))
    if owned is not None or moved or first:
        # Once for all of it: a change of owner or team is written into every index.
        sent.add(
            _WORKED,
            [
                incident.owner_id,
                incident.team_id,
                str(incident.state),
                incident.compensated_at,
                incident.version,
                incident.pk,
            ],
        )
    if compensated:
        sent.add(_COMPENSATED, [incident.pk, by.pk])
    if batch is None:
        sent.send()
    return incident


def undo_compensated(*, incident: Incident, by: Staff) -> Incident:
    """Lets the compensation clock run again: nothing of what was granted on the case stands.

    `incident` is a row that the caller has locked. The step is open again where only a grant had
    ticked it. Raises NotAllowed.
    """
    actor = authorise(by, incident.market_id, *WRITERS)
    before = incident.compensated_at
    incident.compensated_at = None
    incident.version += 1
    incident.save(update_fields=["compensated_at", "version"])
    RecoveryStep.objects.filter(incident=incident, step=Step.COMPENSATE, proof="granted").delete()
    record(
        **_happened(
            "incident.uncompensated",
            actor,
            incident,
            before={"compensated_at": before.isoformat() if before else None},
            after={"compensated_at": None},
        )
    )
    return incident


@transaction.atomic
def resolve_incident(*, incident: Incident, resolution: str, by: Staff) -> Incident:
    """Says how it was put right; 1 to 500 characters. Raises TransitionRefused, InvalidInput."""
    row = lock_incident(incident)
    actor = authorise(by, row.market_id, *WRITERS)
    check_transition(INCIDENT_TRANSITIONS, row.state, IncidentState.RESOLVED)
    row.resolution = bounds.text(resolution, "resolution", 500, required=True)
    row.resolved_at = timezone.now()
    owned = _own(row, by)
    if owned is not None:
        record(**owned)
    _move(row, IncidentState.RESOLVED, "incident.resolved", actor)
    RecoveryStep.objects.bulk_create(
        [RecoveryStep(incident=row, step=Step.CORRECT, proof="resolved", done_by=by)],
        ignore_conflicts=True,
    )
    return row


@transaction.atomic
def close_incident(*, incident: Incident, by: Staff) -> Incident:
    """Ends a resolved case. Raises TransitionRefused, PromisesDue, or what a higher app refuses."""
    row = lock_incident(incident)
    actor = authorise(by, row.market_id, *WRITERS)
    check_transition(INCIDENT_TRANSITIONS, row.state, IncidentState.CLOSED)
    if Promise.objects.filter(incident=row, state=PromiseState.DUE).exists():
        raise PromisesDue
    for check in registry.closing_checks():
        refusal = check(row)
        if refusal is not None:
            raise refusal
    row.closed_at = timezone.now()
    _move(row, IncidentState.CLOSED, "incident.closed", actor)
    return row


@transaction.atomic
def reopen_incident(*, incident: Incident, reason: str, by: Staff) -> Incident:
    """Back into recovery, for a reason; the clock of the resolution starts again."""
    row = lock_incident(incident)
    actor = authorise(by, row.market_id, *WRITERS)
    if row.state == IncidentState.OPEN:
        raise TransitionRefused(extra={"from": row.state, "to": str(IncidentState.IN_RECOVERY)})
    check_transition(INCIDENT_TRANSITIONS, row.state, IncidentState.IN_RECOVERY)
    reason = bounds.text(reason, "reason", 300, required=True)
    now = timezone.now()
    row.resolved_at = row.closed_at = None
    if row.resolve_due_at is not None:
        row.resolve_due_at = due(row.severity, now)[1]
    _move(row, IncidentState.IN_RECOVERY, "incident.reopened", actor, reason)
    return row
