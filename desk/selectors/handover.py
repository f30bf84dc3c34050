"""The words about what is to be handed over by a person."""

from django.utils.translation import gettext as _

from compensations.models import Compensation
from delivery.models import Message
from delivery.states import Channel


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
