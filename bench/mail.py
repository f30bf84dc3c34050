"""From a grant to the moment a mail server on this machine has its message.

The grant is the action, the worker a real Celery process as `make run` starts it, the server a real
SMTP server in this process. One grant after the other at a steady pace, as a busy desk makes them.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from celery import current_app
from django.db import connection

from compensations.actions import grant
from delivery.models import Message
from delivery.states import MessageState
from recovery.embedded import processes, services
from recovery.embedded.environment import ROOT
from tests.support.smtp import MailServer

from .company import Bench
from .money import make_incidents
from .serving import environment
from .table import Row

BUDGET, AIM = 2.0, 0.5  # seconds at the 95th percentile
PER_SECOND = 10
WARM_UP = 5


@contextlib.contextmanager
def _worker(folder: Path, mail_url: str) -> Iterator[None]:
    """The Celery worker of the embedded stack, once it takes work."""
    (folder / "log").mkdir(exist_ok=True)
    service = services.worker(folder, {**environment(), "EMAIL_URL": mail_url})
    service.before()
    with service.log.open("wb") as output:
        process = processes.spawn(service.command, env=service.env, cwd=ROOT, output=output)
    try:
        end = time.monotonic() + service.start_seconds
        while not service.ready(service):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the worker did not start:\n{service.said()}")
            time.sleep(0.05)
        yield
    finally:
        processes.stop(process, signal.SIGTERM, service.stop_seconds)


def latency_row(bench: Bench, seconds: int, folder: Path) -> Row:
    """Seconds from the call of the action until the mail server accepted the message."""
    count = max(PER_SECOND * seconds, 20) + WARM_UP
    incidents = make_incidents(bench, count)
    offer = bench.company.offers["coupon"]
    begun: dict[str, float] = {}
    # What other workloads granted waits for no worker of this one.
    current_app.control.purge()
    with MailServer() as server, _worker(folder, server.url):
        start = time.monotonic()
        for number, incident in enumerate(incidents):
            time.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))
            moment = time.monotonic()
            made = grant(incident=incident, offer=offer, by=bench.agents[number % 50])
            message = Message.objects.only("pk").get(ref=made.pk)
            begun[str(message.pk)] = moment
        server.wait_for(count, 60)
        # The last ones are accepted before the worker has written it down.
        end = time.monotonic() + 10
        while Message.objects.filter(pk__in=begun, state=MessageState.SENT).count() < count:
            if time.monotonic() > end:
                raise RuntimeError("the outbox does not say that all was sent")
            time.sleep(0.1)
        connection.close()
    taken = [mail.at - begun[mail.recovery_id] for mail in server.accepted]
    taken = sorted(taken[WARM_UP:])
    p95 = taken[int(len(taken) * 0.95)]
    return Row(
        f"grant to accepted by a mail server, {PER_SECOND} a second",
        f"p95 {p95:.2f} s, median {taken[len(taken) // 2]:.2f} s",
        budget=f"{BUDGET:.0f} s",
        met=p95 <= BUDGET,
    )
