"""The embedded broker: keeps what it is given, evicts nothing, listens on no port."""

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from recovery.embedded import broker, processes


@pytest.fixture
def server() -> Iterator[broker.Broker]:
    with tempfile.TemporaryDirectory(prefix="rec-") as name:
        folder = Path(name)
        (folder / "s").mkdir(mode=0o700)
        yield broker.Broker(folder / "data", folder / "s")


@contextlib.contextmanager
def running(server: broker.Broker) -> Iterator["subprocess.Popen[bytes]"]:
    server.prepare()
    server.clear_stale()
    process = processes.spawn(server.command(), death_signal=signal.SIGKILL)
    try:
        assert broker.wait_ready(server, process, 20)
        yield process
    finally:
        processes.stop(process, server.stop_signal, 10)


def client(server: broker.Broker) -> "redis.Redis":
    return redis.Redis(unix_socket_path=str(server.socket), decode_responses=True)


def test_what_it_must_be(server: broker.Broker) -> None:
    with running(server), client(server) as link:
        settings = link.config_get("*")
    wanted = {"port": "0", "appendonly": "yes", "maxmemory-policy": "noeviction", "save": ""}
    assert {name: settings[name] for name in wanted} == wanted
    assert server.socket.parent.stat().st_mode & 0o077 == 0


def test_a_kill_loses_nothing_that_reached_the_disk(server: broker.Broker) -> None:
    with running(server) as process, client(server) as link:
        link.rpush("queue", "task")
        time.sleep(1.5)  # the file is brought to disk every second
        process.kill()
        process.wait()
    assert not server.ready()

    with running(server), client(server) as link:
        assert link.lrange("queue", 0, -1) == ["task"]
