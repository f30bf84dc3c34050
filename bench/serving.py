"""Starts the web server as `make run` does, for the product and for the bare view alike."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recovery.embedded import processes, services
from recovery.embedded.environment import ROOT
from recovery.embedded.scratch import RUNNING_ROLE_URL

PRODUCT, BARE = "recovery.wsgi:application", "bench.bare:application"


def environment() -> dict[str, str]:
    """The variables of the product's processes: the running role, and nothing of a test run."""
    found = {
        **os.environ,
        "DATABASE_URL": os.environ.get(RUNNING_ROLE_URL) or os.environ["DATABASE_URL"],
        "RECOVERY_EMBEDDED": "1",
    }
    for name in ("RECOVERY_TESTING", "DJANGO_ALLOW_ASYNC_UNSAFE", "DATABASE_OWNER_URL"):
        found.pop(name, None)
    return found


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        yield listener


@contextmanager
def served(application: str, folder: Path, env: dict[str, str]) -> Iterator[int]:
    """gunicorn with two workers of four threads; its port, once it answers."""
    path = "/api/v1/health/live" if application == PRODUCT else "/alive"
    logs = folder / application.partition(":")[0]
    logs.mkdir(exist_ok=True)
    with listening() as listener:
        service = services.web(listener, logs, env)
        port = int(listener.getsockname()[1])
        with service.log.open("wb") as output:
            process = processes.spawn(
                [application if word == PRODUCT else word for word in service.command],
                env=env,
                cwd=ROOT,
                output=output,
                pass_fds=[listener.fileno()],
            )
        try:
            end = time.monotonic() + 60
            while not services.answers(port, path):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{application} did not start:\n{service.log.read_text()}")
                time.sleep(0.05)
            yield port
        finally:
            processes.stop(process, service.stop_signal, service.stop_seconds)
