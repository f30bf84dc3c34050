"""The doorbell: tells a worker that a message waits. Never raises and never holds a page up.

The outbox in PostgreSQL is the truth; a wake that is lost costs at most one sweep. A broker that
does not answer is left alone for some seconds by this process, so that only one page pays for it.
"""

import logging
import threading
import time
import uuid

from celery import current_app
from django.db import transaction
from kombu.pools import producers

log = logging.getLogger(__name__)

TASK = "delivery.tasks.deliver_message"
# Seconds for connecting and for each command. A hung broker fails at the first of them, and only
# a failure that was immediate is tried again, so that a page never pays 1.5 s.
CONNECT_SECONDS = 0.5
COMMAND_SECONDS = 0.6
IMMEDIATE_SECONDS = 0.3
# How long a broker that did not answer is left alone.
REST_SECONDS = 5.0


class _Breaker:
    """Remembers, for this process, until when the broker is not asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resting_until = 0.0

    def may_try(self) -> bool:
        with self._lock:
            return time.monotonic() >= self._resting_until

    def failed(self) -> None:
        with self._lock:
            self._resting_until = time.monotonic() + REST_SECONDS

    def worked(self) -> None:
        with self._lock:
            self._resting_until = 0.0


breaker = _Breaker()


def _publish(message_id: uuid.UUID, in_seconds: float) -> None:
    connection = current_app.connection_for_write(
        transport_options={
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": COMMAND_SECONDS,
            "max_retries": 0,
        }
    )
    with producers[connection].acquire(block=True, timeout=COMMAND_SECONDS) as producer:
        current_app.send_task(
            TASK,
            args=[str(message_id)],
            countdown=in_seconds or None,
            producer=producer,
            retry=False,
            ignore_result=True,
        )


def _attempt(message_id: uuid.UUID, in_seconds: float) -> Exception | None:
    """The error, whatever the broker's library raises: a page that committed never fails for it."""
    try:
        _publish(message_id, in_seconds)
    except Exception as error:
        return error
    return None


def wake(message_id: uuid.UUID, in_seconds: float = 0) -> bool:
    """Asks a worker to deliver the message, `in_seconds` (at most a minute) from now.

    False when the broker was not reached or is being left alone: the sweep will find the message.
    """
    if not breaker.may_try():
        return False
    started = time.monotonic()
    error = _attempt(message_id, in_seconds)
    if error is not None and time.monotonic() - started < IMMEDIATE_SECONDS:
        # A connection kept from before the broker's restart fails at once: try a new one.
        error = _attempt(message_id, in_seconds)
    if error is None:
        breaker.worked()
        return True
    breaker.failed()
    log.warning("broker not reached (%s); the sweep delivers", type(error).__name__)
    return False


def wake_on_commit(message_id: uuid.UUID) -> None:
    """Rings once the running transaction has committed; a rolled back one rings nothing."""
    transaction.on_commit(lambda: wake(message_id))
