"""What beat starts each minute."""

import logging
from pathlib import Path

from celery import shared_task
from django.conf import settings

from . import checkpoints, sealing

logger = logging.getLogger(__name__)

# Ends before a worker would end it; what is left is sealed a minute later.
SECONDS = 30


@shared_task(name="audit.periodic.seal")
def seal() -> int:
    """Seals the rows that can change order no more; how many. Safe to run twice at once."""
    try:
        done = sealing.seal(seconds=SECONDS)
    except sealing.CannotSeal as problem:
        logger.error("audit rows are not sealed: %s", problem)
        return 0
    if done.seals and settings.AUDIT_CHECKPOINT_FILE:
        try:
            checkpoints.append(Path(settings.AUDIT_CHECKPOINT_FILE))
        except OSError as problem:
            # The next line covers this seal too: each hash holds the one before it.
            logger.error("no checkpoint of the audit trail: %s", problem)
    return done.rows
