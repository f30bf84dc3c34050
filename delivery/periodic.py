"""What beat starts every half minute."""

from celery import shared_task

from . import sending


@shared_task(name="delivery.periodic.sweep_outbox")
def sweep_outbox() -> None:
    """Delivers what the wakes missed. Safe to run twice at once."""
    sending.sweep()
