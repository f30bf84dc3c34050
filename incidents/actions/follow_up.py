"""What follows an incident: notes, promises, the five steps, and playbooks read."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from audit.actions import record
from common.errors import InvalidInput
from common.states import check_transition

from .. import bounds
from ..access import COMMENTERS, READERS, WRITERS, authorise
from ..models import Incident, Note, Playbook, PlaybookAcknowledgement, Promise, RecoveryStep
from ..states import PROMISE_TRANSITIONS, PromiseKind, PromiseState, Step
from .incidents import take_on

# The proof of a step that a person ticked; any other word names the act that proved it.
BY_HAND = "person"


@transaction.atomic
def add_note(*, incident: Incident, body: str, by: Staff) -> Note:
    """Adds an internal note; 1 to 4,000 characters. A note is never edited.

    Here as with a promise and a step ticked by hand, a case that nobody owns becomes `by`'s.
    """
    actor = authorise(by, incident.market_id, *COMMENTERS)
    take_on(incident=incident, by=by)
    note = Note.objects.create(
        incident=incident, author=by, body=bounds.text(body, "body", 4000, required=True)
    )
    record(
        act="note.added",
        by=actor,
        object_kind="note",
        object_id=note.pk,
        about_id=incident.pk,
        market_code=incident.market.code,
    )
    return note


@transaction.atomic
def make_promise(
    *,
    incident: Incident,
    kind: str,
    due_at: dt.datetime,
    owner: Staff | None = None,
    detail: str = "",
    by: Staff,
) -> Promise:
    """Promises the customer something by an aware moment to come; `owner` is `by` unless given.

    Raises InvalidInput for a moment that has passed or an owner without a role in the market.
    """
    actor = authorise(by, incident.market_id, *WRITERS)
    owner = owner or by
    if not owner.has_role(incident.market_id, *WRITERS):
        raise InvalidInput(_("This person does not work cases in this market."), field="owner")
    take_on(incident=incident, by=by)
    promise = Promise.objects.create(
        incident=incident,
        market_id=incident.market_id,
        kind=bounds.choice(kind, "kind", PromiseKind.values),
        due_at=bounds.future_moment(due_at, "due_at"),
        owner=owner,
        detail=bounds.text(detail, "detail", 300),
        created_by=by,
    )
    record(
        act="promise.made",
        by=actor,
        object_kind="promise",
        object_id=promise.pk,
        about_id=incident.pk,
        market_code=incident.market.code,
        after={"kind": promise.kind, "due_at": due_at.isoformat(), "owner": str(owner.pk)},
    )
    return promise


@transaction.atomic
def _end(promise_id: uuid.UUID, target: PromiseState, by: Staff, reason: str) -> Promise:
    promise = (
        Promise.objects.select_for_update(of=("self",)).select_related("market").get(pk=promise_id)
    )
    actor = authorise(by, promise.market_id, *WRITERS)
    check_transition(PROMISE_TRANSITIONS, promise.state, target)
    before = promise.state
    promise.state = target
    promise.ended_at = timezone.now()
    promise.ended_by = by
    promise.save(update_fields=["state", "ended_at", "ended_by"])
    record(
        act=f"promise.{target}",
        by=actor,
        object_kind="promise",
        object_id=promise.pk,
        about_id=promise.incident_id,
        market_code=promise.market.code,
        before={"state": before},
        after={"state": str(target)},
        reason=bounds.text(reason, "reason", 500),
    )
    return promise


def keep_promise(*, promise: Promise, by: Staff) -> Promise:
    """Marks it kept. Raises TransitionRefused unless it is still due."""
    return _end(promise.pk, PromiseState.KEPT, by, "")


def break_promise(*, promise: Promise, by: Staff, reason: str = "") -> Promise:
    """Owns up that it was not kept. Raises TransitionRefused unless it is still due."""
    return _end(promise.pk, PromiseState.BROKEN, by, reason)


def cancel_promise(*, promise: Promise, by: Staff, reason: str = "") -> Promise:
    """The customer no longer wants it. Raises TransitionRefused unless it is still due."""
    return _end(promise.pk, PromiseState.CANCELLED, by, reason)


@transaction.atomic
def tick_step(*, incident: Incident, step: str, proof: str = BY_HAND, by: Staff | None) -> bool:
    """Marks one of the five steps done; says whether this call did it.

    Ticked by hand, it leaves its own audit row; a `proof` that names another act (`granted`,
    `resolved`) leaves that to the act, which has one already.
    """
    bounds.choice(step, "step", Step.values)
    actor = authorise(by, incident.market_id, *WRITERS) if proof == BY_HAND and by else None
    if proof == BY_HAND and actor is None:
        raise InvalidInput(_("A person ticks this step."), field="step")
    row = RecoveryStep(incident=incident, step=step, proof=proof, done_by=by)
    if actor is None:
        RecoveryStep.objects.bulk_create([row], ignore_conflicts=True)
        return True
    if by is not None:
        take_on(incident=incident, by=by)
    _row, created = RecoveryStep.objects.get_or_create(
        incident=incident, step=step, defaults={"proof": proof, "done_by": by}
    )
    if created:
        record(
            act="incident.step_done",
            by=actor,
            object_kind="incident",
            object_id=incident.pk,
            market_code=incident.market.code,
            after={"step": str(step)},
        )
    return created


@transaction.atomic
def acknowledge_playbook(*, playbook: Playbook, by: Staff) -> bool:
    """The person has read this version; says whether it was new to them."""
    actor = authorise(by, playbook.market_id, *READERS)
    _row, created = PlaybookAcknowledgement.objects.get_or_create(playbook=playbook, staff=by)
    if created:
        record(
            act="playbook.read",
            by=actor,
            object_kind="playbook",
            object_id=playbook.pk,
            market_code=playbook.market.code,
            after={"version": playbook.version},
        )
    return created
