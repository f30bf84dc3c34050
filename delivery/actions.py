"""Writes to the outbox: queueing, and what people and providers decide about a message later.

Delivering itself is `sending.py`; a topic's words and addresses are `registry.py`.
"""

import datetime as dt
import uuid

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff
from accounts.permissions import require
from accounts.states import Role
from common.errors import InvalidInput, NotFound, TransitionRefused
from common.rows import fresh

from . import registry
from .channels import available_channels, has_provider, provider_channels
from .models import Message, Receipt
from .sending import deliver, move, record_arrow
from .states import Channel, Failure, MessageState
from .waking import wake, wake_on_commit

__all__ = [
    "confirm_handover",
    "deliver",
    "new_message",
    "outdate_contact",
    "queue_message",
    "replay",
    "take_receipt",
    "wake",
    "wake_on_commit",
    "write_off",
]


def new_message(
    *,
    market: Market,
    topic: str,
    ref: uuid.UUID,
    about: uuid.UUID | None,
    channel: str,
    language: str,
    contact: uuid.UUID | None,
    address_fingerprint: bytes | None,
    address_masked: str,
    resend_of: Message | None = None,
) -> Message:
    """An unsaved message, for callers that insert several at once; they call `wake_on_commit`.

    Where there is no provider (handing over) it is `sent` from the start. Raises InvalidInput for
    a channel that is not there or a missing address, LookupError for an unregistered topic.
    """
    registry.get_topic(topic)
    if channel not in available_channels(market):
        raise InvalidInput(_("This channel is not available."), field="channel")
    message = fresh(
        Message,
        market=market,
        topic=topic,
        ref=ref,
        about=about,
        channel=channel,
        language=language,
        contact=contact,
        address_fingerprint=address_fingerprint,
        address_masked=address_masked,
        resend_of=resend_of,
    )
    if not has_provider(channel):
        message.state = MessageState.SENT
        message.sent_at = Now()
    elif contact is None or address_fingerprint is None:
        raise InvalidInput(_("The customer has no address for this channel."), field="channel")
    return message


def queue_message(
    *,
    market: Market,
    topic: str,
    ref: uuid.UUID,
    about: uuid.UUID | None,
    channel: str,
    language: str,
    contact: uuid.UUID | None,
    address_fingerprint: bytes | None,
    address_masked: str,
    resend_of: Message | None = None,
) -> Message:
    """Puts one message into the outbox in the caller's transaction and rings on commit.

    Raises RuntimeError outside a transaction: a message never stands without its cause.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a message is queued in the transaction of what it speaks of")
    message = new_message(
        market=market,
        topic=topic,
        ref=ref,
        about=about,
        channel=channel,
        language=language,
        contact=contact,
        address_fingerprint=address_fingerprint,
        address_masked=address_masked,
        resend_of=resend_of,
    )
    message.save(force_insert=True)
    if message.state == MessageState.QUEUED:
        wake_on_commit(message.pk)
    else:
        message.refresh_from_db(fields=["sent_at"])
    return message


def _locked(message: Message) -> Message:
    return (
        Message.objects.select_for_update(of=("self",)).select_related("market").get(pk=message.pk)
    )


@transaction.atomic
def replay(*, message: Message, by: Staff) -> Message:
    """Queues a failed or unknown message again, with a fresh round of tries and the same code.

    Raises TransitionRefused from any other state, and where the address is no longer the
    customer's: that needs a fresh message.
    """
    message = _locked(message)
    require(by, message.market, Role.AGENT, Role.SUPERVISOR)
    if message.failure in {Failure.ADDRESS_CHANGED, Failure.CONTACT_GONE}:
        raise TransitionRefused(
            _("The customer's address has changed since. Send a new message instead.")
        )
    if message.state not in {MessageState.FAILED, MessageState.UNKNOWN}:
        raise TransitionRefused(extra={"from": message.state, "to": MessageState.QUEUED.value})
    message.attempts_before = message.attempts
    message.due_at = Now()
    message.failure = ""
    move(message, MessageState.QUEUED, by=by.as_actor(), note="replay")
    message.refresh_from_db()
    wake_on_commit(message.pk)
    return message


@transaction.atomic
def write_off(*, message: Message, by: Staff, reason: str) -> Message:
    """Closes a failed or unknown message for good. Raises TransitionRefused from other states."""
    if not reason.strip():
        raise InvalidInput(_("Say why."), field="reason")
    message = _locked(message)
    require(by, message.market, Role.AGENT, Role.SUPERVISOR)
    before, message.failure = message.failure, Failure.WRITTEN_OFF
    if message.state == MessageState.UNKNOWN:
        move(message, MessageState.FAILED, by=by.as_actor(), reason=reason, note="written_off")
    elif message.state == MessageState.FAILED and before != Failure.WRITTEN_OFF:
        message.save(update_fields=["failure"])
        record_arrow(
            message, MessageState.FAILED, by=by.as_actor(), reason=reason, note="written_off"
        )
    else:
        raise TransitionRefused(extra={"from": message.state, "to": MessageState.FAILED.value})
    return message


@transaction.atomic
def confirm_handover(*, message: Message, by: Staff) -> Message:
    """The agent has given the customer the link or the picture: `sent` becomes `delivered`."""
    message = _locked(message)
    require(by, message.market, Role.AGENT, Role.SUPERVISOR)
    if message.channel != Channel.HANDOVER:
        raise TransitionRefused(_("Only what is handed over is confirmed by a person."))
    message.delivered_at = Now()
    move(message, MessageState.DELIVERED, by=by.as_actor())
    message.refresh_from_db()
    return message


@transaction.atomic
def outdate_contact(contact_id: uuid.UUID) -> list[Message]:
    """Fails every message that still waits for this contact, since its address was corrected.

    Returns them, so that the caller queues fresh ones in the same transaction. One that is with
    the provider at this moment is not among them: should it come back, it is judged when it is
    tried again (see `registry.register_topic`, `outdated`).
    """
    waiting = list(
        Message.objects.select_for_update(of=("self",))
        .select_related("market")
        .filter(contact=contact_id, state__in=[MessageState.QUEUED, MessageState.UNKNOWN])
        .order_by("pk")
    )
    for message in waiting:
        message.failure = Failure.ADDRESS_CHANGED
        move(message, MessageState.FAILED, note=Failure.ADDRESS_CHANGED)
    return waiting


# What a provider's word means for a message in a given state: the arrows to follow, in order. A
# word that is not here would lead backwards; it is kept with its receipt and changes nothing. A
# queued message that has been tried is one whose uncertain try is about to be resent.
_SENDING, _SENT, _DELIVERED = MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED
_FAILED, _BOUNCED, _UNKNOWN = MessageState.FAILED, MessageState.BOUNCED, MessageState.UNKNOWN
_FORWARD: dict[tuple[str, str], tuple[MessageState, ...]] = {
    (MessageState.QUEUED, _SENT): (_SENDING, _SENT),
    (MessageState.QUEUED, _DELIVERED): (_SENDING, _DELIVERED),
    (_SENDING, _SENT): (_SENT,),
    (_SENDING, _DELIVERED): (_DELIVERED,),
    (_SENDING, _BOUNCED): (_SENT, _BOUNCED),
    (_SENDING, _FAILED): (_FAILED,),
    (_UNKNOWN, _SENT): (_SENT,),
    (_UNKNOWN, _DELIVERED): (_DELIVERED,),
    (_UNKNOWN, _BOUNCED): (_SENT, _BOUNCED),
    (_UNKNOWN, _FAILED): (_FAILED,),
    (_SENT, _DELIVERED): (_DELIVERED,),
    (_SENT, _BOUNCED): (_BOUNCED,),
    (_SENT, _FAILED): (_FAILED,),
}
_FAILURES = {_FAILED: Failure.REPORTED, _BOUNCED: Failure.BOUNCED}


@transaction.atomic
def take_receipt(
    *,
    provider: str,
    event_id: str,
    message_id: uuid.UUID,
    state: MessageState,
    occurred_at: dt.datetime,
) -> bool:
    """Takes a provider's word on a message once; False when it was taken before.

    The signature and its freshness are the door's affair. Only forward: a late `sent` after
    `delivered` is kept and changes nothing. Raises NotFound for a message this provider never had.
    """
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("market")
        .filter(pk=message_id, channel__in=provider_channels(provider), attempts__gt=0)
        .first()
    )
    if message is None:
        raise NotFound
    # The lock makes receipts of one message wait for each other; the constraint does the rest.
    _row, fresh = Receipt.objects.get_or_create(
        provider=provider,
        event_id=event_id,
        defaults={"message": message, "state": state, "occurred_at": occurred_at},
    )
    if not fresh:
        return False
    steps = _FORWARD.get((message.state, state), ())
    if steps:
        moment = min(occurred_at, timezone.now())
        message.sent_at = message.sent_at or moment
        if state == MessageState.DELIVERED:
            message.delivered_at = moment
        message.failure = _FAILURES.get(state, "")
        move(message, *steps, note="receipt")
    return True
