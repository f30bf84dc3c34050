"""What is to be handed over by a person and nobody has done yet."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery.models import Message
from delivery.states import Channel, MessageState
from incidents.models import Incident
from incidents.registry import OpenEnd, register_open_ends

from .models import Compensation, Coupon
from .states import TOPIC, CompensationState

# On the page where a day begins; more are said as a number.
MOST = 100


@dataclass(frozen=True, slots=True)
class ToHandOver:
    """One compensation whose customer waits for the link."""

    message: Message
    compensation: Compensation


def to_hand_over(cases: QuerySet[Incident]) -> list[ToHandOver]:
    """Of these cases, the oldest first; two queries.

    A compensation that was sent another way since, or can no longer be used, waits for nobody. Nor
    does one that the customer has: any message of it arrived, or some of it was used.
    """
    others = Message.objects.filter(ref=OuterRef("ref"))
    newer = others.filter(created_at__gt=OuterRef("created_at"))
    arrived = others.filter(state=MessageState.DELIVERED)
    waiting = list(
        Message.objects.filter(
            ~Exists(newer),
            ~Exists(arrived),
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
        .select_related("customer", "incident", "offer", "coupon")
        .in_bulk()
    )
    return [
        ToHandOver(message, row)
        for message in waiting
        if (row := rows.get(message.ref)) is not None and not is_in_use(row)
    ]


def is_in_use(compensation: Compensation) -> bool:
    """Whether its coupon, where it has one, shows that the customer has it."""
    coupon: Coupon | None = getattr(compensation, "coupon", None)
    return coupon is not None and coupon.in_use


def open_ends(case: Incident) -> list[OpenEnd]:
    """What of the case the customer may not have, in words; nothing stops for it."""
    return [
        OpenEnd(
            "not_handed_over",
            _("Nobody confirmed that the customer has “%(offer)s”.")
            % {"offer": row.compensation.offer.name},
            str(row.compensation.pk),
        )
        for row in to_hand_over(Incident.objects.filter(pk=case.pk))
    ]


def register() -> None:
    """Called once when the app is ready."""
    register_open_ends(open_ends)
