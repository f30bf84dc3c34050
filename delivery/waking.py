"""The doorbell: tells a worker that a message waits. Never raises and never holds a page up.

The outbox in PostgreSQL is the truth; a wake that is lost costs at most one sweep. A broker that
does not answer is left alone for some seconds by this process, so that only one page pays for it.
"""

import contextlib
import logging
import os
import threading
import time
import uuid
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction

from .mould import Mould

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


class _Line(threading.local):
    """This thread's connection to the broker, kept from one wake to the next.

    Making one, or taking it from the library's pool, costs more than the wake itself.
    """

    def __init__(self) -> None:
        self._producer: Any = None
        self._link: Any = None
        self._mould: Mould | None = None
        self._of = 0

    def _open(self) -> None:
        # A forked process must not speak on its parent's socket.
        if self._producer is not None and self._of == os.getpid():
            return
        connection = current_app.connection_for_write(
            transport_options={
                "socket_connect_timeout": CONNECT_SECONDS,
                "socket_timeout": COMMAND_SECONDS,
                "max_retries": 0,
            }
        )
        channel: Any = connection.default_channel
        producer = current_app.amqp.Producer(channel)
        self._mould = Mould.taken(channel, partial(_publish, producer))
        self._link = channel.pool.get_connection()
        self._producer = producer
        self._of = os.getpid()

    def ring(self, message_id: uuid.UUID, in_seconds: float) -> None:
        """Raises whatever the broker's library raises."""
        self._open()
        if in_seconds:
            _publish(self._producer, message_id, in_seconds)
            return
        assert self._mould is not None
        self._link.send_command("LPUSH", self._mould.key, self._mould.cast(message_id))
        self._link.read_response()

    def hang_up(self) -> None:
        """Forgets a connection that failed; the next wake makes another."""
        producer, self._producer, self._link = self._producer, None, None
        if producer is not None and self._of == os.getpid():
            # What is broken already may refuse to be closed.
            with contextlib.suppress(Exception):
                producer.connection.collect(socket_timeout=COMMAND_SECONDS)


_line = _Line()


def _publish(producer: Any, message_id: uuid.UUID, in_seconds: float = 0) -> None:
    """Sends the task as the library does."""
    message = current_app.amqp.create_task_message(
        str(uuid.uuid4()),
        TASK,
        args=[str(message_id)],
        # Said here, or the library describes the arguments with a printer for any object.
        argsrepr=f"('{message_id}',)",
        kwargsrepr="{}",
        countdown=in_seconds or None,
        ignore_result=True,
    )
    producer.publish(
        message.body,
        serializer="json",
        exchange="",
        routing_key=current_app.conf.task_default_queue,
        headers=message.headers,
        **message.properties,
    )


def _attempt(message_id: uuid.UUID, in_seconds: float) -> Exception | None:
    """The error, whatever the broker's library raises: a page that committed never fails for it."""
    try:
        _line.ring(message_id, in_seconds)
    except Exception as error:
        _line.hang_up()
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
