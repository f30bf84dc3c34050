"""What happens here when a customer's contact is corrected: waiting messages go out afresh."""

from collections.abc import Sequence

from accounts.models import ApiClient, Staff
from delivery.models import Message
from incidents.models import ContactPoint
from incidents.registry import on_contact_corrected

from .actions.sending import requeue
from .states import TOPIC


def send_afresh(contact: ContactPoint, outdated: Sequence[Message], by: Staff | ApiClient) -> None:
    """Queues a new message to the corrected address for each one that was still waiting."""
    for message in outdated:
        if message.topic == TOPIC:
            requeue(message, contact)


def register() -> None:
    """Called once when the app is ready."""
    on_contact_corrected(send_afresh)
