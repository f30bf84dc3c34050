"""The whole stack as `make run` starts it: real servers, the product's own settings, no demo."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from recovery.embedded import leftovers, processes, secrets_file
from recovery.embedded.scratch import RUNNING_ROLE_URL

pytestmark = pytest.mark.slow

NAMES = {"database", "broker", "mailbox", "web", "worker", "beat"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def clean_environment(var: Path, port: int) -> dict[str, str]:
    """What a person's shell has: none of the variables of the test run."""
    ours = {*secrets_file.NAMES, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "EMAIL_URL"}
    ours |= {"RECOVERY_TESTING", "RUNNING_ROLE", "PUBLIC_BASE_URL", "CACHE_PREFIX"}
    ours |= {RUNNING_ROLE_URL, "DJANGO_SETTINGS_MODULE", "PYTEST_PLUGINS"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "RECOVERY_VAR": str(var), "PORT": str(port), "RECOVERY_DEMO": "0"}


class Stack:
    """One supervisor on a folder; its words are in `said()`."""

    def __init__(self, var: Path, extra: dict[str, str] | None = None) -> None:
        self.var = var
        self.port = free_port()
        self.words = var.parent / f"words-{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.env = {**clean_environment(var, self.port), **(extra or {})}

    def start(self) -> float:
        """Start and wait for the address; seconds it took."""
        began = time.monotonic()
        with self.words.open("wb") as output:
            self.process = processes.spawn(
                [sys.executable, "-m", "recovery.embedded.supervisor"], env=self.env, output=output
            )
        self.until(lambda: "Recovery is at" in self.said(), 120)
        return time.monotonic() - began

    def said(self) -> str:
        return self.words.read_text(encoding="utf-8")

    def until(self, condition: object, seconds: float) -> None:
        assert callable(condition)
        end = time.monotonic() + seconds
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)

    def children(self) -> dict[str, int]:
        rows = json.loads((self.var / "children.json").read_text())["children"]
        return {name: row["pid"] for name, row in rows.items()}

    def status(self, path: str = "/api/v1/health/live") -> int:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            link.request("GET", path)
            return link.getresponse().status
        finally:
            link.close()

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextlib.contextmanager
def started(var: Path, extra: dict[str, str] | None = None) -> Iterator[Stack]:
    stack = Stack(var, extra)
    try:
        stack.start()
        yield stack
    finally:
        if stack.process is not None and stack.process.poll() is None:
            assert stack.end(signal.SIGTERM) == 0
        leftovers.end(var / "children.json")


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """A folder where the first start has already happened."""
    with tempfile.TemporaryDirectory(prefix="rec-") as name:
        folder = Path(name) / "var"
        with started(folder):
            pass
        yield folder


def check_privacy(stack: Stack) -> None:
    """What the stack wrote is for us alone, and the web process cannot become the owner."""
    for name in ("secrets.env", "embedded.env", "lock", "run", "log", "mailbox"):
        assert (stack.var / name).stat().st_mode & 0o077 == 0, name
    if processes.LINUX:
        web = Path(f"/proc/{stack.children()['web']}/environ").read_bytes()
        assert b"DATABASE_OWNER_URL" not in web


def check_turns(stack: Stack) -> None:
    """Nothing that was started pushes another out of the middle of its work."""
    if processes.LINUX:
        policies = {name: os.sched_getscheduler(pid) for name, pid in stack.children().items()}
        assert policies == dict.fromkeys(NAMES, os.SCHED_BATCH)


def test_it_answers_and_what_dies_is_started_again(var: Path) -> None:
    with started(var) as stack:
        assert stack.status() == 200
        before = stack.children()
        assert set(before) == NAMES
        check_privacy(stack)
        check_turns(stack)
        for name in ("worker", "database", "broker", "web", "mailbox", "beat"):
            os.kill(before[name], signal.SIGKILL)
            stack.until(lambda name=name: f"{name} is ready again" in stack.said(), 60)
        after = stack.children()
        assert set(after) == NAMES
        assert not set(after.values()) & set(before.values())
        assert stack.status() == 200


def test_a_hard_kill_leaves_nothing_and_the_next_start_recovers(var: Path) -> None:
    with started(var) as stack:
        owner = secrets_file.read_env(var / "embedded.env")["DATABASE_OWNER_URL"]
        link = psycopg2.connect(owner)
        link.autocommit = True
        link.cursor().execute("CREATE TABLE IF NOT EXISTS kept_over_a_kill (at int)")
        link.cursor().execute("INSERT INTO kept_over_a_kill VALUES (1)")
        link.close()
        before = {name: (pid, processes.born(pid)) for name, pid in stack.children().items()}
        assert stack.process is not None
        stack.process.kill()
        stack.process.wait()

    secrets_before = (var / "secrets.env").read_text()
    with started(var) as again:
        assert again.status() == 200
        assert (var / "secrets.env").read_text() == secrets_before
        for pid, birth in before.values():
            assert processes.born(pid) != birth
        link = psycopg2.connect(owner)
        cursor = link.cursor()
        cursor.execute("SELECT count(*) FROM kept_over_a_kill")
        assert cursor.fetchone() == (1,)
        cursor.execute("DROP TABLE kept_over_a_kill")
        link.commit()
        link.close()


def test_ctrl_c_ends_everything_servers_last(var: Path) -> None:
    with started(var) as stack:
        children = {pid: processes.born(pid) for pid in stack.children().values()}
        assert stack.end(signal.SIGINT) == 0
        for pid, birth in children.items():
            assert processes.born(pid) != birth
        order = [
            line.split()[0] for line in stack.said().splitlines() if line.endswith("has stopped")
        ]
        assert order[-2:] == ["broker", "database"]
        assert set(order) == NAMES


def test_a_second_one_is_refused_and_a_taken_port_is_named(var: Path) -> None:
    with started(var) as stack:
        second = subprocess.run(
            [sys.executable, "-m", "recovery.embedded.supervisor"],
            env=stack.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 1
        assert f"already runs here: http://127.0.0.1:{stack.port}" in second.stdout
        elsewhere = {**stack.env, "RECOVERY_VAR": str(var.parent / "other")}
        third = subprocess.run(
            [sys.executable, "-m", "recovery.embedded.supervisor"],
            env=elsewhere,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert third.returncode == 1
        assert "make run PORT=" in third.stdout
        assert stack.status() == 200


def test_servers_of_your_own_are_used_and_none_started(var: Path, tmp_path: Path) -> None:
    with started(var) as stack:
        settings = secrets_file.read_env(stack.var / "embedded.env")
        given = {
            name: settings[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
        }
        with started(tmp_path / "var", given) as other:
            assert set(other.children()) == NAMES - {"database", "broker"}
            assert other.status() == 200
            assert "Using the database of DATABASE_URL" in other.said()
