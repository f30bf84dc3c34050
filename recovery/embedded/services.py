"""What the stack consists of: for each service its command, its signs of life, its way to end."""

import http.client
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from . import broker, postgres, processes

READY_MARK = "RECOVERY_READY_MARK"  # read by celery_marks.py, which imports Celery
LARGEST_LOG = 20_000_000  # bytes; a longer log is cut to what it was before, once


def _nothing() -> None:
    """Nothing has to be done before this service starts."""


# Of the web server: what runs at once, and how many share what one process knows.
WORKERS, THREADS = 2, 4


@dataclass
class Service:
    """One process to keep alive. Seconds are wall-clock seconds."""

    name: str
    command: Sequence[str | Path]
    log: Path
    ready: Callable[["Service"], bool]
    env: Mapping[str, str] | None = None
    before: Callable[[], object] = _nothing
    identity: processes.Identity | None = None
    pass_fds: Sequence[int] = ()
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 15
    start_seconds: float = 60
    process: "Popen[bytes] | None" = None
    failures: int = 0
    started_at: float = 0
    due_at: float | None = None  # when it is started again
    answered: bool = False
    log_from: int = field(default=0)

    def said(self) -> str:
        """What this process has written to its log since it was started."""
        try:
            with self.log.open("rb") as file:
                file.seek(self.log_from)
                return file.read(200_000).decode(errors="replace")
        except OSError:
            return ""


def says(*words: str) -> Callable[[Service], bool]:
    """Ready when one of these words is in the log: for what answers no request."""
    return lambda service: any(word in service.said() for word in words)


def trim(log: Path) -> None:
    """Keep a log bounded: move a long one aside and go on in an empty file.

    The writer keeps its open file and appends, so the file is emptied in place.
    """
    try:
        if log.stat().st_size <= LARGEST_LOG:
            return
        log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
        with log.open("r+b") as file:
            file.truncate(0)
    except OSError:
        return  # the next look tries again


def answers(port: int, path: str) -> bool:
    """True when the web server answers 200 there."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        link.request("GET", path, headers={"Host": f"127.0.0.1:{port}"})
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def database(server: postgres.Postgres, logs: Path) -> Service:
    """PostgreSQL. Ended last, and "fast": sessions are cut, everything committed is kept."""
    return Service(
        name="database",
        command=server.command(),
        log=logs / "database.log",
        ready=lambda _service: server.ready(),
        before=server.clear_stale,
        identity=server.identity,
        stop_signal=server.stop_signal,
        stop_seconds=30,
    )


def queue(server: broker.Broker, logs: Path) -> Service:
    """The broker."""
    return Service(
        name="broker",
        command=server.command(),
        log=logs / "broker.log",
        ready=lambda _service: server.ready(),
        before=server.clear_stale,
        stop_signal=server.stop_signal,
    )


def mail(listener: socket.socket, var: Path, env: Mapping[str, str]) -> Service:
    """The mailbox server, on a socket that stays open while it is started again."""
    command = [sys.executable, "-m", "recovery.embedded.mailsink"]
    command += ["--folder", str(var / "mailbox"), "--fd", str(listener.fileno())]
    return Service(
        name="mailbox",
        command=command,
        log=var / "log" / "mailbox.log",
        ready=says("taking mail"),
        env=env,
        pass_fds=[listener.fileno()],
        stop_seconds=5,
    )


def web(listener: socket.socket, logs: Path, env: Mapping[str, str]) -> Service:
    """gunicorn, on a socket that stays open while it is started again: nobody is turned away."""
    command = [sys.executable, "-m", "gunicorn", "recovery.wsgi:application"]
    command += ["--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS)]
    command += ["--preload", "--no-control-socket"]
    command += ["--timeout", "60", "--graceful-timeout", "10", "--log-level", "warning"]
    port = listener.getsockname()[1]
    return Service(
        name="web",
        command=command,
        log=logs / "web.log",
        ready=lambda _service: answers(port, "/api/v1/health/live"),
        env=env,
        pass_fds=[listener.fileno()],
    )


def _celery(name: str, words: Sequence[str], var: Path, env: Mapping[str, str]) -> Service:
    """A Celery process, which leaves a mark when it is ready."""
    mark = var / f"{name}.ready"
    return Service(
        name=name,
        command=[sys.executable, "-m", "celery", "-A", "recovery.embedded.celery_marks", *words],
        log=var / "log" / f"{name}.log",
        ready=lambda _service: mark.exists(),
        env={**env, READY_MARK: str(mark)},
        before=lambda: mark.unlink(missing_ok=True),
        stop_seconds=30,
    )


def worker(var: Path, env: Mapping[str, str]) -> Service:
    """The Celery worker."""
    words = ["worker", "--loglevel", "INFO", "--concurrency", "2"]
    return _celery("worker", [*words, "--without-gossip", "--without-mingle"], var, env)


def beat(var: Path, env: Mapping[str, str]) -> Service:
    """Celery's clock."""
    return _celery("beat", ["beat", "--loglevel", "INFO", "--pidfile", ""], var, env)
