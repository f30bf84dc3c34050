"""The state machine of one message: claim, call the provider outside any transaction, settle.

The claim and its attempt row commit before the provider is called, the outcome after. A worker
that dies in between leaves an attempt `started` under a claim that runs out: its outcome is unknown
and it is treated as such, never as if nothing had happened. Several workers, tasks and sweeps may
go for the same message: the conditional update lets one have it.
"""

import datetime as dt
import logging
import time
import uuid
from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import translation

from audit.actions import SYSTEM, Actor
from audit.actions import record as record_audit
from common.keyed import only_if
from common.states import check_transition

from . import registry, spread, waking
from .channels import adapter_for, resendable_channels
from .channels.base import Envelope, Outcome
from .models import Attempt, Message
from .selectors import RESENDS_ON_OUR_OWN, due_messages, unknown_tries
from .states import MESSAGE_TRANSITIONS, AttemptOutcome, Failure, MessageState

log = logging.getLogger(__name__)

# Longer than any call may take: an adapter's half minute, and a task's hard limit of 60 s.
CLAIM = dt.timedelta(seconds=90)
# Retries sooner than this ring a worker themselves; later ones are left to the sweep.
WAKE_WITHIN = dt.timedelta(seconds=60)
# Pauses, in seconds, between tries to write an outcome down when the database is away.
SETTLE_PAUSES = (0.5, 1.0, 2.0, 4.0)
SWEEP_SECONDS = 25.0
# What an arrow may save: all that changes in a message's life.
MOVING = (
    "state",
    "claimed_until",
    "due_at",
    "sent_at",
    "delivered_at",
    "failure",
    "attempts_before",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A message in our hands, and the number of the attempt that is written down as started."""

    message: Message
    number: int


def record_arrow(
    message: Message, before: str, *, by: Actor = SYSTEM, reason: str = "", note: str = ""
) -> None:
    """One audit row for an arrow just followed. Says neither address nor content."""
    after = {"state": message.state, "attempts": message.attempts}
    if note:
        after["note"] = note
    record_audit(
        act=f"message.{message.state}",
        by=by,
        object_kind="message",
        object_id=message.pk,
        about_id=message.about or "",
        market_code=message.market.code,
        before={"state": before},
        after=after,
        reason=reason,
    )


def move(
    message: Message,
    *targets: MessageState,
    by: Actor = SYSTEM,
    reason: str = "",
    note: str = "",
) -> None:
    """Follows drawn arrows one after another on a row locked by the caller, and saves it.

    Other fields that the caller has set are saved with the last arrow.
    """
    for target in targets:
        before = message.state
        check_transition(MESSAGE_TRANSITIONS, before, target)
        message.state = target
        if target != MessageState.SENDING:
            message.claimed_until = None
        message.save(update_fields=MOVING)
        record_arrow(message, before, by=by, reason=reason, note=note)


def _claimable() -> Q:
    if "claim" in settings.GUARDS_OFF:
        return Q(state__in=[MessageState.QUEUED, MessageState.SENDING])
    return Q(state=MessageState.QUEUED, due_at__lte=Now())


def _take(message_id: uuid.UUID) -> Claim | None:
    """The conditional update that must hit one row, and the attempt, in one transaction."""
    taken = Message.objects.filter(only_if(_claimable()), pk=message_id).update(
        state=MessageState.SENDING, attempts=F("attempts") + 1, claimed_until=Now() + CLAIM
    )
    if taken != 1:
        return None
    message = Message.objects.select_related("market").get(pk=message_id)
    Attempt.objects.create(
        message=message, number=message.attempts, provider=adapter_for(message.channel).provider
    )
    record_arrow(message, MessageState.QUEUED)
    return Claim(message, message.attempts)


def _recover(message_id: uuid.UUID) -> None:
    """Sets aside what a dead worker left, and queues an unknown outcome for its one resend."""
    message = (
        Message.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("market")
        .filter(
            only_if(
                Q(state=MessageState.SENDING, claimed_until__lt=Now())
                | Q(state=MessageState.UNKNOWN, due_at__lte=Now())
            ),
            pk=message_id,
        )
        .first()
    )
    if message is None:
        return
    if message.state == MessageState.SENDING:
        message.tries.filter(outcome=AttemptOutcome.STARTED).update(
            outcome=AttemptOutcome.UNKNOWN, finished_at=Now(), error="worker_lost"
        )
        move(message, MessageState.UNKNOWN, note="worker_lost")
    resend = message.channel in resendable_channels()
    if resend and unknown_tries(message) <= RESENDS_ON_OUR_OWN:
        move(message, MessageState.QUEUED, note="resend_once")


def _claim(message_id: uuid.UUID) -> Claim | None:
    with transaction.atomic():
        claim = _take(message_id)
        if claim is None:
            _recover(message_id)
            claim = _take(message_id)
        return claim


def _call(message: Message) -> Outcome:
    """Asks for the present address and the words, and hands them to the provider."""
    try:
        topic = registry.get_topic(message.topic)
        recipient = topic.resolve(message)
        if recipient is None:
            return Outcome(AttemptOutcome.OUTDATED, Failure.CONTACT_GONE)
        if bytes(message.address_fingerprint or b"") != recipient.fingerprint:
            return Outcome(AttemptOutcome.OUTDATED, Failure.ADDRESS_CHANGED)
        with translation.override(message.language):
            words = topic.render(message)
    except Exception as error:
        # Nothing has left yet. Only the kind of error is kept: its text may hold what was rendered.
        log.error("message %s could not be prepared: %s", message.pk, type(error).__name__)
        return Outcome(AttemptOutcome.RETRY, "not_prepared")
    envelope = Envelope(
        id=message.pk,
        sender_name=message.market.brand,
        sender_address=message.market.sender_email,
        recipient_name=recipient.name,
        recipient_address=recipient.address,
        language=message.language,
        subject=words.subject,
        text=words.text,
        html=words.html,
    )
    try:
        return adapter_for(message.channel).send(envelope)
    except Exception as error:
        # An adapter names what it knows; whatever else happens here may have happened too late.
        log.error("message %s broke its channel: %s", message.pk, type(error).__name__)
        return Outcome(AttemptOutcome.UNKNOWN, "channel_error")


def _settle(claim: Claim, outcome: Outcome) -> None:
    """Writes the outcome down, where the message still is where this attempt left it."""
    with transaction.atomic():
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("market")
            .get(pk=claim.message.pk)
        )
        message.tries.filter(number=claim.number).update(
            outcome=outcome.kind,
            error=outcome.error,
            provider_reference=outcome.reference,
            finished_at=Now(),
        )
        if message.attempts != claim.number:
            return  # somebody took it over after our claim ran out
        if message.state == MessageState.SENDING:
            _follow(message, outcome)
        elif outcome.kind == AttemptOutcome.ACCEPTED:
            _accepted_late(message)


def _accepted_late(message: Message) -> None:
    """The claim had run out and was set aside, but the provider did accept after all."""
    message.sent_at = Now()
    if message.state == MessageState.UNKNOWN:
        move(message, MessageState.SENT)
    elif message.state == MessageState.QUEUED:
        move(message, MessageState.SENDING, MessageState.SENT)


def _follow(message: Message, outcome: Outcome) -> None:
    if outcome.kind == AttemptOutcome.ACCEPTED:
        message.sent_at = Now()
        move(message, MessageState.SENT)
    elif outcome.kind == AttemptOutcome.RETRY:
        pause = spread.pause_after(message.attempts - message.attempts_before)
        if pause is None:
            message.failure = Failure.GAVE_UP
            move(message, MessageState.FAILED, note=outcome.error)
            return
        message.due_at = Now() + pause
        move(message, MessageState.QUEUED, note=outcome.error)
        if pause < WAKE_WITHIN:
            seconds = pause.total_seconds() + 0.05
            transaction.on_commit(lambda: waking.wake(message.pk, seconds))
    elif outcome.kind == AttemptOutcome.UNKNOWN:
        pause = spread.pause_when_unknown()
        message.due_at = Now() + pause
        move(message, MessageState.UNKNOWN, note=outcome.error)
        seconds = pause.total_seconds() + 0.05
        transaction.on_commit(lambda: waking.wake(message.pk, seconds))
    elif outcome.kind == AttemptOutcome.OUTDATED:
        message.failure = outcome.error
        move(message, MessageState.FAILED, note=outcome.error)
        topic = registry.get_topic(message.topic)
        if topic.outdated is not None:
            topic.outdated(message)
    else:
        message.failure = Failure.REFUSED
        move(message, MessageState.FAILED, note=outcome.error)


def _settle_stubbornly(claim: Claim, outcome: Outcome) -> None:
    """What the provider said is worth waiting some seconds for a database that restarts.

    Should it stay away, the claim runs out and the outcome counts as unknown.
    """
    for pause in SETTLE_PAUSES:
        try:
            return _settle(claim, outcome)
        except (OperationalError, InterfaceError):
            log.warning("message %s: outcome not written yet, database away", claim.message.pk)
            if connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(pause)
    _settle(claim, outcome)


def _run(claim: Claim) -> AttemptOutcome:
    outcome = _call(claim.message)
    log.info(
        "message %s attempt %s: %s %s", claim.message.pk, claim.number, outcome.kind, outcome.error
    )
    _settle_stubbornly(claim, outcome)
    return outcome.kind


def deliver(message_id: uuid.UUID) -> AttemptOutcome | None:
    """Delivers one message if it is due and nobody else has it; None when there was nothing to do.

    Called outside a transaction: the provider is never called inside one.
    """
    claim = _claim(message_id)
    return None if claim is None else _run(claim)


def sweep(seconds: float = SWEEP_SECONDS) -> Counter[str]:
    """Delivers everything that is due, one claim at a time, for at most about `seconds`.

    Each row is taken with SKIP LOCKED, so that sweeps that run at once share the work. Returns how
    many attempts ended how.
    """
    ends = time.monotonic() + seconds
    done: Counter[str] = Counter()
    while time.monotonic() < ends:
        with transaction.atomic():
            message_id = (
                due_messages()
                .select_for_update(skip_locked=True, of=("self",))
                .order_by("due_at")
                .values_list("pk", flat=True)
                .first()
            )
            if message_id is None:
                break
            claim = _claim(message_id)
        if claim is not None:
            done[_run(claim)] += 1
        else:
            done["set_aside"] += 1
    return done
