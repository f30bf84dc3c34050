"""What is to be handed over by a person and nobody has done yet."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from compensations.models import Compensation
from compensations.states import TOPIC, CompensationState
from delivery.models import Message
from delivery.states import Channel, MessageState
from incidents.models import Incident

# On the page where a day begins; more are said as a number.
MOST = 100


@dataclass(frozen=True, slots=True)
class ToHandOver:
    """One compensation whose customer waits for the link."""

    message: Message
    compensation: Compensation


def to_hand_over(cases: QuerySet[Incident]) -> list[ToHandOver]:
    """Of these cases, the oldest first; two queries.

    A compensation that was sent another way since, or can no longer be used, waits for nobody.
    """
    newer = Message.objects.filter(ref=OuterRef("ref"), created_at__gt=OuterRef("created_at"))
    waiting = list(
        Message.objects.filter(
            ~Exists(newer),
            about__in=cases.order_by().values("pk"),
            topic=TOPIC,
            channel=Channel.HANDOVER,
            state=MessageState.SENT,
        ).order_by("created_at", "id")[:MOST]
    )
    usable = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    rows = (
        Compensation.objects.filter(
            usable,
            pk__in=[message.ref for message in waiting],
            state=CompensationState.ISSUED,
        )
        .select_related("customer", "incident", "offer")
        .in_bulk()
    )
    return [ToHandOver(row, rows[row.ref]) for row in waiting if row.ref in rows]


def asked_words(asked: Compensation) -> str:
    """What comes of a request, by the channel that was chosen for it."""
    if asked.send_by == Channel.HANDOVER:
        return _("Asked. It is granted the moment somebody approves it; then you hand it over.")
    return _("Asked. It is granted and sent the moment somebody approves it.")


def granted_words(message: Message | None) -> str:
    """What is true of the customer's message in the moment of a grant."""
    if by_hand(message):
        return _("Granted. Hand it over now: the customer does not have it yet.")
    return _("Granted. Its message is on the way.")


def approved_words(message: Message | None, name: str) -> str:
    """The same after a yes; `name` is whose work the case is."""
    if not by_hand(message):
        return _("Approved. The customer's message is on the way.")
    return _("Approved. The customer does not have it yet: %(name)s has to hand it over.") % {
        "name": name
    }


def by_hand(message: Message | None) -> bool:
    return message is not None and message.channel == Channel.HANDOVER
