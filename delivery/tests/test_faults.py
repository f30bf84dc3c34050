"""Invariants 18, 19, 20 and 26: kills, races and a dead mail server, between real processes.

A provider sees one logical message per key: every transmission of a message carries one Message-ID,
and there is never one more than its attempts of unknown outcome explain. The controls run the same
race with the claim switched off and must break that.
"""

import base64
import json
import os
import signal
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from audit.models import AuditEvent
from common.fingerprints import fingerprint
from common.ids import uuid7
from delivery import sending, waking
from delivery.models import Attempt, Message
from delivery.sending import SETTLE_PAUSES
from delivery.states import AttemptOutcome, MessageState
from tests.support.databases import OwnDatabase
from tests.support.race import count, errors, race
from tests.support.smtp import MailServer
from tests.support.workers import Worker

from . import topics
from .factories import make_message
from .test_sending import make_due
from .test_waking import OwnBroker, told_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _empty_queue() -> None:
    """What earlier tests rang for is no business of these workers."""
    current_app.control.purge()
    waking.breaker.worked()


def until(condition: Callable[[], bool], what: str, seconds: float = 40) -> None:
    """Waits for something that other processes bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def until_swept(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """The same, with beat's clock running, a little faster than in production."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        sweep_by_worker()
        pause = time.monotonic() + 2
        while time.monotonic() < pause and not condition():
            time.sleep(0.05)


def states() -> Counter[str]:
    return Counter(Message.objects.values_list("state", flat=True))


def all_sent(number: int) -> bool:
    return states() == {MessageState.SENT: number}


def sweep_by_worker() -> None:
    """What beat does every half minute."""
    # A connection of its own: the application's pool may belong to another test's broker.
    with current_app.connection_for_write() as link:
        current_app.send_task("delivery.periodic.sweep_outbox", connection=link)


def surplus(server: MailServer) -> dict[str, int]:
    """Transmissions that no attempt of unknown outcome explains, by message."""
    found = {}
    for key, times in Counter(mail.recovery_id for mail in server.received).items():
        unknown = Attempt.objects.filter(
            message_id=uuid.UUID(key), outcome=AttemptOutcome.UNKNOWN
        ).count()
        if times > 1 + unknown:
            found[key] = times - 1 - unknown
    return found


def assert_one_logical_message_each(server: MailServer, messages: list[Message]) -> None:
    assert surplus(server) == {}
    for message in messages:
        mails = [mail for mail in server.received if mail.recovery_id == str(message.pk)]
        assert mails, "nothing acknowledged is lost"
        assert {mail.message_id for mail in mails} == {f"<{message.pk}@127.0.0.1>"}
        assert {mail.recipient for mail in mails} == {topics.address_of(message.ref)}
        bodies = {mail.mail.get_body(("plain",)).get_content() for mail in mails}  # type: ignore[union-attr]
        assert len(bodies) == 1, "the same words and the same code"


# -- kills ------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", ["child", "worker", "family"])
def test_a_kill_while_the_provider_decides(
    victim: str, mail_server: MailServer, tmp_path: Path
) -> None:
    mail_server.hold()
    message = make_message()
    with Worker(tmp_path, mail_server.url) as worker:
        assert waking.wake(message.pk)
        mail_server.wait_for(1, accepted=False)
        if victim == "child":
            worker.kill_children()
        elif victim == "worker":
            children = worker.children()
            os.kill(worker.pid, signal.SIGKILL)
            for child in children:
                os.kill(child, signal.SIGKILL)
        else:
            worker.kill()
        mail_server.release()
        mail_server.wait_for(1)
        message.refresh_from_db()
        assert message.state == MessageState.SENDING, "nobody may take it for failed or sent"
        assert message.tries.get().outcome == AttemptOutcome.STARTED
        if victim != "child":
            worker.start()
        sweep_by_worker()
        time.sleep(1)
        assert len(mail_server.received) == 1, "the claim still stands"
        make_due(message)
        until_swept(lambda: all_sent(1), "sent again")
    assert [attempt.outcome for attempt in message.tries.order_by("number")] == [
        AttemptOutcome.UNKNOWN,
        AttemptOutcome.ACCEPTED,
    ]
    assert len(mail_server.received) == 2
    assert_one_logical_message_each(mail_server, [message])


def test_a_kill_before_the_worker_has_the_message(mail_server: MailServer, tmp_path: Path) -> None:
    """The wake is lost with the worker; the row is not."""
    messages = [make_message() for _ in range(5)]
    mail_server.hold()
    with Worker(tmp_path, mail_server.url) as worker:
        for message in messages:
            waking.wake(message.pk)
        mail_server.wait_for(1, accepted=False)
        worker.kill()
        current_app.control.purge()
        mail_server.release()
        worker.start()
        for message in Message.objects.filter(state=MessageState.SENDING):
            make_due(message)
        until_swept(lambda: all_sent(5), "all sent by the sweep")
    assert len(mail_server.received) == 6
    assert_one_logical_message_each(mail_server, messages)


def test_the_broker_is_killed_and_loses_everything(
    mail_server: MailServer,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    own = OwnBroker(tmp_path_factory.mktemp("b"))
    own.start()
    messages = [make_message() for _ in range(6)]
    mail_server.hold()
    try:
        with (
            told_of(own.server.url()),
            Worker(tmp_path, mail_server.url, REDIS_URL=own.server.url()),
        ):
            for message in messages:
                assert waking.wake(message.pk)
            mail_server.wait_for(1, accepted=False)
            own.kill()
            mail_server.release()
            assert not waking.wake(messages[0].pk)
            own.start()
            until(lambda: states()[MessageState.SENT] >= 1, "the one in hand is finished")
            until_swept(lambda: all_sent(6), "all sent by the sweep")
    finally:
        own.kill()
    assert len(mail_server.received) == 6
    assert_one_logical_message_each(mail_server, messages)


def _queue_elsewhere(database: OwnDatabase) -> str:
    """A message in a database that this process is not connected to; its id."""
    ref = uuid7()
    market = database.run("SELECT id FROM accounts_market")
    if not market:
        market = database.run(
            "INSERT INTO accounts_market (code, name, brand, country, currency, locale, language,"
            " time_zone, sender_email, is_active, undo_minutes, request_minutes)"
            " VALUES ('X', 'X', 'X', 'MX', 'MXN',"
            " 'es-MX', 'es', 'America/Mexico_City', 'x@example.com', true, 30, 1440)"
            " RETURNING id"
        )
    message = str(uuid7())
    database.run(
        "INSERT INTO delivery_message (id, market_id, topic, ref, channel, language, contact,"
        " address_fingerprint, address_masked, state, attempts, attempts_before, failure)"
        " VALUES (%s, %s, %s, %s, 'email', 'es', %s, %s, '', 'queued', 0, 0, '')",
        (
            message,
            market[0][0],
            topics.TOPIC,
            str(ref),
            str(uuid7()),
            fingerprint("contact", topics.address_of(ref)),
        ),
    )
    return message


@pytest.fixture(scope="module")
def own_database() -> Iterator[OwnDatabase]:
    with tempfile.TemporaryDirectory(prefix="own-") as folder, OwnDatabase(Path(folder)) as own:
        yield own


@pytest.mark.parametrize("stays_away", [False, True], ids=["back at once", "away for long"])
def test_the_database_is_killed_while_the_provider_decides(
    stays_away: bool, own_database: OwnDatabase, mail_server: MailServer, tmp_path: Path
) -> None:
    ids = [_queue_elsewhere(own_database) for _ in range(4)]

    def done() -> bool:
        return own_database.run("SELECT DISTINCT state FROM delivery_message") == [("sent",)]

    mail_server.hold()
    with Worker(tmp_path, mail_server.url, DATABASE_URL=own_database.url) as worker:
        waking.wake(uuid.UUID(ids[0]))
        mail_server.wait_for(1, accepted=False)
        own_database.kill()
        mail_server.release()
        if stays_away:
            until(lambda: "OperationalError" in worker.said(), "the worker gave up writing")
            time.sleep(sum(SETTLE_PAUSES) + 1)
        own_database.start()
        if stays_away:
            own_database.run("UPDATE delivery_message SET claimed_until = now()")
        until_swept(done, "all sent", seconds=90)
    tries = own_database.run(
        "SELECT outcome FROM delivery_attempt WHERE message_id = %s ORDER BY number", (ids[0],)
    )
    # The provider's yes is written down late, or, if it is lost, nobody claims to know.
    assert tries == ([("unknown",), ("accepted",)] if stays_away else [("accepted",)])
    assert len(mail_server.received) == 4 + stays_away
    for key in ids:
        mails = [mail for mail in mail_server.received if mail.recovery_id == key]
        assert len(mails) == (2 if stays_away and key == ids[0] else 1)
        assert {mail.message_id for mail in mails} == {f"<{key}@127.0.0.1>"}


# -- races ------------------------------------------------------------------------------------


def deliver_slowly(mail_server: MailServer) -> None:
    def accept(_delivery: object) -> str:
        time.sleep(0.1)
        return "250 OK"

    mail_server.accept = accept


def test_twenty_processes_deliver_one_message(mail_server: MailServer) -> None:
    deliver_slowly(mail_server)
    message = make_message()
    answers = race(lambda _number: str(sending.deliver(message.pk)), range(20))
    assert errors(answers) == []
    assert count(answers, "ok") == 20
    assert len(mail_server.received) == 1
    assert_one_logical_message_each(mail_server, [message])
    assert all_sent(1)


def test_twenty_processes_deliver_one_message_without_the_claim(mail_server: MailServer) -> None:
    deliver_slowly(mail_server)
    message = make_message()
    race(lambda _number: str(sending.deliver(message.pk)), range(20), guards_off=["claim"])
    assert len(mail_server.received) > 1
    assert surplus(mail_server)[str(message.pk)] > 0


def test_eight_sweeps_share_forty_messages(mail_server: MailServer) -> None:
    messages = [make_message() for _ in range(40)]
    answers = race(lambda _number: dict(sending.sweep()), range(8))
    assert errors(answers) == []
    assert sum(answer["accepted"] for _kind, answer in answers if answer) == 40
    assert len(mail_server.received) == 40
    assert_one_logical_message_each(mail_server, messages)
    assert all_sent(40)


def test_sweeps_and_wakes_at_once(mail_server: MailServer, tmp_path: Path) -> None:
    deliver_slowly(mail_server)
    messages = [make_message() for _ in range(12)]
    with Worker(tmp_path, mail_server.url, concurrency=4):
        for message in messages:
            for _ in range(3):
                waking.wake(message.pk)
        for _ in range(4):
            sweep_by_worker()
        until(lambda: all_sent(12), "all sent")
    assert len(mail_server.received) == 12
    assert_one_logical_message_each(mail_server, messages)


# -- a dead mail server -----------------------------------------------------------------------


def test_a_mail_server_that_comes_back_gets_everything_soon(
    mail_server: MailServer, tmp_path: Path
) -> None:
    mail_server.stop()
    messages = [make_message() for _ in range(8)]
    with Worker(tmp_path, mail_server.url, concurrency=2):
        for message in messages:
            waking.wake(message.pk)
        until(
            lambda: Attempt.objects.filter(outcome=AttemptOutcome.RETRY).count() >= 8,
            "every message was tried",
        )
        assert states() == {MessageState.QUEUED: 8}, "the state is visible while it waits"
        pauses = sorted(
            (message.due_at - timezone.now()).total_seconds() for message in Message.objects.all()
        )
        assert pauses[-1] <= 12
        assert len({round(pause, 3) for pause in pauses}) > 4, "they do not come back together"
        mail_server.start()
        started = time.monotonic()
        until(lambda: all_sent(8), "all sent", seconds=60)
    assert time.monotonic() - started < 45
    assert len(mail_server.received) == 8
    assert_one_logical_message_each(mail_server, messages)


# -- secrets ----------------------------------------------------------------------------------


def test_no_secret_is_in_logs_tasks_or_audit_rows(mail_server: MailServer, tmp_path: Path) -> None:
    good, refused, uncertain = (make_message() for _ in range(3))
    addresses = [topics.address_of(message.ref) for message in (good, refused, uncertain)]

    def accept(delivery: object) -> str:
        if getattr(delivery, "recovery_id", "") == str(refused.pk):
            return f"550 5.1.1 <{topics.address_of(refused.ref)}>: no such person"
        return "250 OK"

    mail_server.accept = accept
    for message in (good, refused, uncertain):
        waking.wake(message.pk)
    queued = _queue_content()
    with Worker(tmp_path, mail_server.url, LOG_LEVEL="DEBUG") as worker:
        until(lambda: states()[MessageState.SENT] == 2, "sent")
        until(lambda: states()[MessageState.FAILED] == 1, "refused")
        log = worker.said()
    rows = json.dumps(list(AuditEvent.objects.values("before", "after", "reason", "act")))
    tries = json.dumps(list(Attempt.objects.values("error", "provider_reference")))
    for place in (queued, log, rows, tries):
        for secret in (topics.CODE, topics.CODE.replace("-", ""), topics.LINK, *addresses):
            assert secret not in place
        assert "Mariana" not in place
    # The places are the right ones: the message's id is in each of the first two.
    assert str(good.pk) in queued
    assert str(good.pk) in log
    assert "message.sent" in rows
    assert "smtp_550" in tries


def _queue_content() -> str:
    """Everything that waits in the broker's queue, its encoded bodies opened."""
    with current_app.connection_for_read() as link:
        channel: Any = link.default_channel
        items = channel.client.lrange(current_app.conf.task_default_queue, 0, -1)
    words = []
    for item in items:
        words.append(item.decode())
        words.append(base64.b64decode(json.loads(item)["body"]).decode())
    return "\n".join(words)
