"""A dead, hung or restarted broker never holds a page up, and never makes it fail."""

import json
import re
import signal
import socket
import subprocess
import time
import uuid
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from accounts import health
from delivery import waking
from recovery.embedded import broker, processes

PAGE_SECONDS = 1.5


class OwnBroker:
    """A broker of this test alone, so that it may be killed."""

    def __init__(self, folder: Path) -> None:
        self.server = broker.Broker(folder / "data", folder, durable=False)
        self.server.prepare()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = processes.spawn(self.server.command(), death_signal=signal.SIGKILL)
        assert broker.wait_ready(self.server, self.process, 20)

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def depth(self) -> int:
        with current_app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            return int(channel.client.llen(current_app.conf.task_default_queue))


@contextmanager
def told_of(url: str) -> Iterator[None]:
    """Inside, this process rings at another broker than the run's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app.conf, "broker_url", url)
        waking._line.hang_up()
        waking.breaker.worked()
        yield
    waking._line.hang_up()


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    # A socket's path is short on every system.
    own = OwnBroker(tmp_path_factory.mktemp("b"))
    own.start()
    with told_of(own.server.url()):
        yield own
    own.kill()


def timed_wake() -> tuple[bool, float]:
    started = time.monotonic()
    rang = waking.wake(uuid.uuid4())
    return rang, time.monotonic() - started


def test_a_wake_reaches_the_queue(own_broker: OwnBroker) -> None:
    assert waking.wake(uuid.uuid4())
    assert own_broker.depth() == 1


def test_a_dead_broker_is_no_error_and_is_left_alone(own_broker: OwnBroker) -> None:
    own_broker.kill()
    rang, seconds = timed_wake()
    assert (rang, seconds < PAGE_SECONDS) == (False, True)
    own_broker.start()
    assert not waking.wake(uuid.uuid4()), "it is left alone for some seconds"
    assert own_broker.depth() == 0
    waking.breaker._resting_until = time.monotonic() - 0.001
    assert waking.wake(uuid.uuid4())
    assert own_broker.depth() == 1


def test_a_hung_broker_costs_a_page_little_and_only_once(own_broker: OwnBroker) -> None:
    assert waking.wake(uuid.uuid4())
    own_broker.send(signal.SIGSTOP)
    try:
        rang, seconds = timed_wake()
        assert (rang, seconds < PAGE_SECONDS) == (False, True)
        rang, seconds = timed_wake()
        assert (rang, seconds < 0.3) == (False, True)
    finally:
        own_broker.send(signal.SIGCONT)


def test_that_it_hangs_is_said_before_whoever_asks_gives_up(own_broker: OwnBroker) -> None:
    assert health.broker()
    own_broker.send(signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert not health.broker()
        assert time.monotonic() - started < 2.5
    finally:
        own_broker.send(signal.SIGCONT)


def test_a_restarted_broker_is_reached_at_once(own_broker: OwnBroker) -> None:
    assert waking.wake(uuid.uuid4())
    own_broker.kill()
    own_broker.start()
    assert waking.wake(uuid.uuid4())
    assert own_broker.depth() == 1


@pytest.mark.parametrize("listening", [True, False])
def test_a_broker_over_tcp_that_does_not_answer(listening: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen(0)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with told_of(url):
            rang, seconds = timed_wake()
    assert (rang, seconds < PAGE_SECONDS) == (False, True)


def test_the_message_carries_the_id_and_nothing_else(own_broker: OwnBroker) -> None:
    message_id = uuid.uuid4()
    waking.wake(message_id)
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue(current_app.conf.task_default_queue)
        message = queue.get(timeout=5)
        queue.close()
    arguments, named, _options = message.payload
    assert (arguments, named) == ([str(message_id)], {})
    assert message.headers["task"] == waking.TASK


def _waiting() -> dict[str, Any]:
    """The oldest message in the queue, as it lies there, with its body read."""
    with current_app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        message = json.loads(channel.client.rpop(current_app.conf.task_default_queue))
    return {**message, "body": json.loads(b64decode(message["body"]))}


def _nameless(value: Any, names: dict[str, str]) -> Any:
    """The same with every id replaced by the order in which it came."""
    text = json.dumps(value, sort_keys=True)
    an_id = r"[0-9a-f]{8}-[0-9a-f-]{27}"
    return re.sub(an_id, lambda found: names.setdefault(found[0], str(len(names))), text)


def test_what_is_cast_is_what_the_library_would_have_sent(own_broker: OwnBroker) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    assert waking.wake(first)
    assert waking.wake(second)
    cast = [_waiting(), _waiting()]
    with current_app.connection_for_write() as connection:
        waking._publish(current_app.amqp.Producer(connection.default_channel), first)
    made = _waiting()
    for message, row in zip([*cast, made], [first, second, first], strict=True):
        names = {str(row): "the row"}
        assert _nameless(message, names) == _nameless(made, {str(first): "the row"})
        # A task, a delivery and, where the library gives one, an address for answers.
        assert len(names) >= 3
    ids = [(one["headers"]["id"], one["properties"]["delivery_tag"]) for one in [*cast, made]]
    assert len({number for pair in ids for number in pair}) == 6


def test_a_wake_for_later_says_when(own_broker: OwnBroker) -> None:
    assert waking.wake(uuid.uuid4(), 30)
    assert _waiting()["headers"]["eta"]
