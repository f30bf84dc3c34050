"""Starts real worker processes against the test's own database, broker and mail server.

Rows they work on must be committed: use a transactional test. Every process started here ends with
the test, and with the test's process should that be killed.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from recovery.embedded import processes
from recovery.embedded.scratch import RUNNING_ROLE_URL


def database_url() -> str:
    """The test database as a worker should reach it: as the running role where there is one."""
    base = os.environ.get(RUNNING_ROLE_URL) or os.environ["DATABASE_URL"]
    name = str(connection.settings_dict["NAME"])
    return urlunsplit(urlsplit(base)._replace(path=f"/{name}"))


def environment(**changes: str) -> dict[str, str]:
    """The variables of this test run, for another process of the product."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "recovery.settings",
        **changes,
    }


def children_of(pid: int) -> list[int]:
    """Pids of the direct children of a process."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return [int(child) for child, parent in rows if int(parent) == pid]


class Worker:
    """One Celery worker with its children. `mail_url` is where its mail goes."""

    def __init__(
        self,
        folder: Path,
        mail_url: str,
        *,
        concurrency: int = 1,
        guards_off: Sequence[str] = (),
        **changes: str,
    ) -> None:
        name = uuid.uuid4().hex[:8]
        self.log = folder / f"worker-{name}.log"
        self.ready = folder / f"worker-{name}.ready"
        self.concurrency = concurrency
        self.environment = environment(
            EMAIL_URL=mail_url, RECOVERY_GUARDS_OFF=",".join(guards_off), **changes
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, seconds: float = 60) -> Self:
        """Starts it and waits until it takes work."""
        self.ready.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            self.process = processes.spawn(
                [sys.executable, "-m", "tests.support.worker", self.ready, str(self.concurrency)],
                env=self.environment,
                cwd=settings.BASE_DIR,
                output=output,
                death_signal=signal.SIGKILL,
            )
        end = time.monotonic() + seconds
        while not self.ready.exists():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"the worker did not start:\n{self.said()}"
            time.sleep(0.05)
        return self

    def said(self) -> str:
        """Everything it logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def children(self) -> list[int]:
        """Pids of the processes that do its work."""
        return children_of(self.pid)

    def kill_children(self) -> None:
        """SIGKILL to the processes that work; the worker itself lives on and starts new ones."""
        for child in self.children():
            os.kill(child, signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to the whole family, as a power cut or the kernel's memory killer would."""
        if self.process is not None:
            processes.signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def stop(self) -> None:
        """A warm shutdown, then the hard end of what is left."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGTERM, 15)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
