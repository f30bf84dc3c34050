"""A PostgreSQL of one test alone, durable and migrated: it may be killed and started again."""

import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2
from django.conf import settings

from recovery.embedded import postgres, processes

from .workers import environment


class OwnDatabase:
    """`folder` holds its data; the path of its socket has to stay short."""

    def __init__(self, folder: Path) -> None:
        sockets = folder / "s"
        sockets.mkdir(mode=0o700)
        # A server that may not be root has to stand in the folder above its data.
        folder.chmod(0o711)
        self.server = postgres.Postgres(folder / "data", sockets)
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for the running role."""
        return self.server.url(postgres.RUNNING)

    def start(self) -> None:
        self.server.clear_stale()
        with self.log.open("ab") as output:
            self.process = processes.spawn(
                self.server.command(),
                output=output,
                identity=self.server.identity,
                death_signal=signal.SIGQUIT,
            )
        assert postgres.wait_ready(self.server, self.process, 60), self.log.read_text()[-2000:]

    def kill(self) -> None:
        """SIGKILL to the server and all it started: the next start has to recover."""
        if self.process is not None:
            processes.signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def migrate(self) -> None:
        """The schema, as the owner, and the running role's rights."""
        for words in (["migrate", "--verbosity=0"], ["grant_running_role"]):
            subprocess.run(
                [sys.executable, "manage.py", *words],
                cwd=settings.BASE_DIR,
                env=environment(DATABASE_URL=self.server.url(postgres.OWNER)),
                check=True,
                capture_output=True,
                timeout=120,
            )

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """One statement as the running role, in a connection of its own; its rows, if any."""
        link = psycopg2.connect(self.url, connect_timeout=5)
        try:
            with link, link.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            link.close()

    def __enter__(self) -> Self:
        self.server.prepare()
        self.start()
        self.server.prepare_roles()
        self.migrate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
