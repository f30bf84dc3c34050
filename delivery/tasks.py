"""The Celery task that one wake starts. It carries the message's id and nothing else."""

import uuid

from celery import shared_task

from .sending import deliver


@shared_task
def deliver_message(message_id: str) -> None:
    """Delivers the message if it is due and nobody else has it; otherwise does nothing."""
    deliver(uuid.UUID(message_id))
