"""What is sent about a compensation: the first message, the same code again, or by hand."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Staff
from accounts.states import Role
from audit.actions import record
from common.contacts import Mailbox
from common.errors import InvalidInput, NotAllowed
from delivery.actions import new_message, queue_message
from delivery.channels import available_channels
from delivery.models import Message
from delivery.states import Channel
from incidents.models import ContactPoint
from incidents.states import ContactKind

from ..models import Compensation
from ..refusals import ResendRefused, SelfDealing
from ..states import TOPIC, CompensationState

CONTACT_KIND = {
    Channel.EMAIL: ContactKind.EMAIL,
    Channel.SMS: ContactKind.PHONE,
    Channel.WHATSAPP: ContactKind.PHONE,
}


def _contact_for(channel: str, contacts: Sequence[ContactPoint]) -> ContactPoint | None:
    """The most recently confirmed contact that the channel can reach."""
    kind = CONTACT_KIND.get(Channel(channel))
    return next((contact for contact in contacts if contact.kind == kind), None)


def choose_channel(
    preferred: str, contacts: Sequence[ContactPoint], available: Sequence[str]
) -> tuple[str, ContactPoint | None]:
    """The preferred channel where it exists and reaches somebody, else email, else by hand."""
    for channel in (preferred, Channel.EMAIL):
        if channel in available and channel != Channel.HANDOVER:
            contact = _contact_for(channel, contacts)
            if contact is not None:
                return channel, contact
    return Channel.HANDOVER, None


def _message(
    compensation: Compensation, contacts: Sequence[ContactPoint], channel: str | None
) -> dict[str, object]:
    """The fields of a message about a compensation. Raises InvalidInput for a bad channel."""
    customer = compensation.customer
    available = available_channels(compensation.market)
    if channel is None:
        channel, contact = choose_channel(customer.preferred_channel, contacts, available)
    elif channel not in available:
        raise InvalidInput(_("This channel is not available."), field="channel")
    else:
        contact = _contact_for(channel, contacts)
        if contact is None and channel != Channel.HANDOVER:
            raise InvalidInput(_("The customer has no contact for this channel."), field="channel")
    return {
        "market": compensation.market,
        "topic": TOPIC,
        "ref": compensation.pk,
        "about": compensation.incident_id,
        "channel": channel,
        "language": customer.language,
        "contact": contact.pk if contact else None,
        "address_fingerprint": bytes(contact.fingerprint) if contact else None,
        "address_masked": contact.masked if contact else "",
    }


def granted_message(
    compensation: Compensation, contacts: Sequence[ContactPoint], channel: str | None
) -> Message:
    """The unsaved first message of a compensation."""
    return new_message(**_message(compensation, contacts, channel))  # type: ignore[arg-type]


def _check_sendable(compensation: Compensation, by: Staff) -> None:
    if not by.has_role(compensation.market_id, Role.AGENT, Role.SUPERVISOR):
        raise NotAllowed
    if not still_valid(compensation):
        raise ResendRefused


def still_valid(compensation: Compensation) -> bool:
    """Whether it is issued and, where it has a date, not past it."""
    expires_at = compensation.expires_at
    return compensation.state == CompensationState.ISSUED and (
        expires_at is None or expires_at > timezone.now()
    )


def is_of_staff(contact: ContactPoint) -> bool:
    """Whether somebody who works or worked here, in whatever market, has this contact.

    An address counts by the mailbox it leads to: a sub-address makes no other one of it.
    """
    return (
        Staff.objects.alias(mailbox=Mailbox("email"))
        .filter(Q(mailbox=Mailbox(Value(contact.value))) | Q(phone_fingerprint=contact.fingerprint))
        .exists()
    )


@transaction.atomic
def resend(*, compensation: Compensation, channel: str | None = None, by: Staff) -> Message:
    """Queues the same code again, over the same or another channel.

    Raises NotAllowed, ResendRefused, SelfDealing, InvalidInput.
    """
    row = (
        Compensation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("market", "customer")
        .get(pk=compensation.pk)
    )
    _check_sendable(row, by)
    contacts = list(
        ContactPoint.objects.filter(customer=row.customer, is_active=True).order_by("-changed_at")
    )
    # A contact that was added after the grant must not turn the coupon to a colleague.
    if any(is_of_staff(contact) for contact in contacts):
        raise SelfDealing
    first = Message.objects.filter(topic=TOPIC, ref=row.pk).order_by("created_at").first()
    message = queue_message(**_message(row, contacts, channel), resend_of=first)  # type: ignore[arg-type]
    record(
        act="compensation.resent",
        by=by.as_actor(),
        object_kind="compensation",
        object_id=row.pk,
        about_id=row.incident_id,
        market_code=row.market.code,
        after={"channel": message.channel, "to": message.address_masked},
    )
    return message


def hand_over(*, compensation: Compensation, by: Staff) -> Message:
    """Queues the hand-over in the conversation; the desk then shows the link and its QR."""
    return resend(compensation=compensation, channel=Channel.HANDOVER, by=by)


def requeue(message: Message, contact: ContactPoint) -> Message:
    """Queues a message of the same compensation to a corrected contact, in the same transaction.

    Raises SelfDealing when the contact is of somebody who works here.
    """
    if is_of_staff(contact):
        raise SelfDealing
    return queue_message(
        market=message.market,
        topic=message.topic,
        ref=message.ref,
        about=message.about,
        channel=message.channel,
        language=message.language,
        contact=contact.pk,
        address_fingerprint=bytes(contact.fingerprint),
        address_masked=contact.masked,
        resend_of=message,
    )
