"""Reading the outbox."""

import uuid

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Staff
from accounts.states import Role

from .channels import resendable_channels
from .models import Message
from .states import AttemptOutcome, Failure, MessageState

# Unknown outcomes that are resolved by sending again on our own, per message and replay.
RESENDS_ON_OUR_OWN = 1


def visible_messages(user: Staff) -> QuerySet[Message]:
    """Messages of the markets in which the person serves, supervises, pays or audits."""
    markets = user.markets_with(Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
    return Message.objects.filter(market__in=markets)


def messages_about(about_id: uuid.UUID) -> QuerySet[Message]:
    """Every message filed under an object (an incident, mostly), oldest first."""
    return Message.objects.filter(about=about_id).order_by("created_at", "id")


def latest_for(ref: uuid.UUID) -> Message | None:
    """The newest message about one thing (a compensation, mostly)."""
    return Message.objects.filter(ref=ref).order_by("created_at", "id").last()


def unknown_tries(message: Message) -> int:
    """How many tries since the last replay have an unknown outcome."""
    return message.tries.filter(
        outcome=AttemptOutcome.UNKNOWN, number__gt=message.attempts_before
    ).count()


def unknown_for_good(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Those of unknown outcome that are not sent again on our own (any more)."""
    unknowns = Count(
        "tries",
        filter=Q(tries__outcome=AttemptOutcome.UNKNOWN, tries__number__gt=F("attempts_before")),
    )
    return (
        messages.filter(state=MessageState.UNKNOWN)
        .annotate(unknowns=unknowns)
        .filter(Q(unknowns__gt=RESENDS_ON_OUR_OWN) | ~Q(channel__in=resendable_channels()))
    )


def due_messages() -> QuerySet[Message]:
    """What a sweep may take now: queued and due, claims that ran out, one resend of an unknown."""
    settled = unknown_for_good(Message.objects.all()).values("pk")
    return Message.objects.filter(
        Q(state=MessageState.QUEUED, due_at__lte=Now())
        | Q(state=MessageState.SENDING, claimed_until__lt=Now())
        | Q(state=MessageState.UNKNOWN, due_at__lte=Now()) & ~Q(pk__in=settled)
    )


def waiting_for_a_person(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Failed or unknown with nothing more to come: to be replayed or written off."""
    return messages.filter(
        Q(state=MessageState.FAILED) & ~Q(failure=Failure.WRITTEN_OFF)
        | Q(state=MessageState.UNKNOWN, pk__in=unknown_for_good(Message.objects.all()).values("pk"))
    )
