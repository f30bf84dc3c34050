"""Real servers in a folder that is thrown away, for tests and checks; nothing in it is durable.

Use it as a context (`with Scratch() as scratch: ...`), or run one command under it:
`python -m recovery.embedded.scratch COMMAND...` gives the command the variables of a test run.
`DATABASE_URL` or `REDIS_URL` that is already set is used, and no such server is started.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Self

from . import broker, postgres, processes, secrets_file
from .errors import CannotStart

# The running role's address during tests; the database's name in it is the one before tests.
RUNNING_ROLE_URL = "TEST_RUNNING_ROLE_URL"


PREFIX = "recovery-scratch-"


def remove_abandoned() -> None:
    """Remove the folders of runs that were killed; their servers ended with them."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/owner"):
        try:
            pid, birth = owner.read_text().split()
            mine = owner.stat().st_uid == os.geteuid()
        except (OSError, ValueError):
            continue
        if mine and processes.born(int(pid)) != birth:
            shutil.rmtree(owner.parent, ignore_errors=True)


class Scratch:
    """Servers of one run; `durable` is for benchmarks, whose writes have to reach the disk.

    `environment` is filled by `start_*`; nothing outside is touched."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        remove_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        (self.folder / "owner").write_text(f"{os.getpid()} {processes.born(os.getpid())}")
        self.sockets = self.folder / "s"
        self.sockets.mkdir(mode=0o700)
        # A server that may not be root has to stand in the folder above its data.
        self.folder.chmod(0o711)
        self.environment: dict[str, str] = {}
        self._running: list[tuple[subprocess.Popen[bytes], int]] = []

    def start_database(self) -> None:
        """Start PostgreSQL. Tests connect as the owner, since emptying tables needs TRUNCATE."""
        server = postgres.Postgres(self.folder / "database", self.sockets, durable=self._durable)
        server.prepare()
        log = self.folder / "database.log"
        with log.open("wb") as output:
            process = processes.spawn(
                server.command(),
                output=output,
                identity=server.identity,
                death_signal=signal.SIGQUIT,
            )
        self._running.append((process, signal.SIGQUIT))
        if not postgres.wait_ready(server, process, 60):
            raise CannotStart(f"The scratch database did not start:\n{log.read_text()[-2000:]}")
        server.prepare_roles()
        self.environment |= {
            "DATABASE_URL": server.url(postgres.OWNER),
            "DATABASE_OWNER_URL": server.url(postgres.OWNER),
            RUNNING_ROLE_URL: server.url(postgres.RUNNING),
            "RUNNING_ROLE": postgres.RUNNING,
        }

    def start_broker(self) -> None:
        """Start the broker."""
        server = broker.Broker(self.folder / "broker", self.sockets, durable=self._durable)
        server.prepare()
        log = self.folder / "broker.log"
        with log.open("wb") as output:
            process = processes.spawn(server.command(), output=output, death_signal=signal.SIGKILL)
        self._running.append((process, signal.SIGKILL))
        if not broker.wait_ready(server, process, 20):
            raise CannotStart(f"The scratch broker did not start:\n{log.read_text()[-2000:]}")
        self.environment["REDIS_URL"] = server.url()

    def stop(self) -> None:
        """End the servers and remove the folder."""
        while self._running:
            process, number = self._running.pop()
            processes.stop(process, number, 10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def settings_for_tests(folder: Path) -> dict[str, str]:
    """Every other variable the settings read, with secrets made for this run alone."""
    return {
        **secrets_file.fresh(),
        "RECOVERY_TESTING": "1",
        "RECOVERY_VAR": str(folder),
        "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
        # Tests send nothing: Django's test runner keeps mail in memory, and nobody listens here.
        "EMAIL_URL": "smtp://127.0.0.1:9",
        # Playwright's loop runs in the thread of a test that also uses the database.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
    }


def adopt(scratch: Scratch, environ: MutableMapping[str, str]) -> None:
    """Start what `environ` does not name already, and write the variables into it.

    A variable that is set wins, so that a run against servers of your own is the same run.
    """
    if "DATABASE_URL" not in environ:
        scratch.start_database()
    if "REDIS_URL" not in environ:
        scratch.start_broker()
    for name, value in {**settings_for_tests(scratch.folder), **scratch.environment}.items():
        environ.setdefault(name, value)


def main(argv: list[str]) -> int:
    """Run one command with scratch servers; its exit status is ours."""
    if not argv:
        sys.stderr.write("Say which command to run with scratch servers.\n")
        return 2
    try:
        with Scratch() as scratch:
            environ = dict(os.environ)
            adopt(scratch, environ)
            return subprocess.run(argv, env=environ, check=False).returncode
    except CannotStart as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
