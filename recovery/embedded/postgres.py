"""The embedded PostgreSQL: made once, started, recovered after a hard kill, given its roles.

Listens on a Unix socket in a private folder and trusts whoever can enter it; never on TCP. Who
keeps the process alive is `supervisor.py` and `scratch.py`; this module knows how.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from . import binaries, processes
from .errors import CannotStart

DATABASE = "recovery"
OWNER = "recovery_owner"
RUNNING = "recovery_app"
OLDEST = 15

# For a desk of tens of people on one small machine; a larger installation brings its own server.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # Rows refused by a constraint are everyday business here, and their values are personal.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# Without autovacuum too: tests roll back what they fill, and it would tell the planner that big
# tables are empty. A guard that looks up each row then reads the whole table for each.
_UNSAFE_AND_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def _ids_of(pid: int, folder: Path) -> bool:
    """True when this live process is the PostgreSQL that serves `folder`, and no other program."""
    if processes.born(pid) is None:
        return False
    if processes.LINUX:
        try:
            # PostgreSQL works inside its data folder.
            return Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
        except OSError:
            return False
    command = subprocess.run(
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    ).stdout
    return "postgres" in command and str(folder) in command


class Postgres:
    """One server: `data` is its folder, `sockets` the private folder of its socket.

    `durable=False` is for tests alone: a power cut may lose everything.
    """

    stop_signal = signal.SIGINT  # "fast": ends sessions, keeps everything committed

    def __init__(self, data: Path, sockets: Path, *, durable: bool = True) -> None:
        self.data = data
        self.sockets = sockets
        self.durable = durable
        self.programs = binaries.postgres_folder()
        self._identity: processes.Identity | None = None
        self._identity_known = False

    # -- making -----------------------------------------------------------------------------

    @property
    def identity(self) -> processes.Identity | None:
        """Whom the server runs as; None for ourselves. Tried out once, since systems differ."""
        if not self._identity_known:
            self._identity = self._find_identity()
            self._identity_known = True
        return self._identity

    def _runs_as(self, identity: processes.Identity) -> bool:
        """Whether PostgreSQL starts under this identity, standing where its data will be."""
        try:
            trial = processes.spawn(
                [self.programs / "postgres", "--version"], cwd=self.data.parent, identity=identity
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return trial.wait(timeout=30) == 0

    def _find_identity(self) -> processes.Identity | None:
        uid, gid = processes.nobody()
        mapped = processes.Identity(uid, gid, mapped=True)
        if os.geteuid() != 0:
            try:
                known = bool(pwd.getpwuid(os.geteuid()))
            except KeyError:
                known = False  # as in a container started under a bare number
            return None if known or not (processes.LINUX and self._runs_as(mapped)) else mapped
        if processes.LINUX and self._runs_as(mapped):
            return mapped
        dropped = processes.Identity(uid, gid, mapped=False)
        if self._runs_as(dropped):
            return dropped
        raise CannotStart(
            "PostgreSQL refuses to run as root. This system forbids user namespaces, and the "
            f"ordinary user number {uid} may not enter {self.data.parent} or "
            f"{self.programs}. Start it as an ordinary user, move the folder to where "
            "everybody may enter, or set DATABASE_URL to a server of yours."
        )

    def _version(self) -> int:
        said = subprocess.run(
            [self.programs / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        match = re.search(r"(\d+)", said)
        if match is None or int(match[1]) < OLDEST:
            raise CannotStart(f"PostgreSQL {OLDEST} or newer is needed; this is: {said.strip()}")
        return int(match[1])

    def prepare(self) -> bool:
        """Make the data folder where there is none; True when it was made now.

        It is made under another name and then renamed, so a half-made one never counts.
        """
        major = self._version()
        made_by = self.data / "PG_VERSION"
        self._own(self.sockets)
        if made_by.is_file():
            if made_by.read_text().strip() != str(major):
                raise CannotStart(
                    f"{self.data} was made by PostgreSQL {made_by.read_text().strip()} and this is "
                    f"{major}. Move its content with pg_dump and pg_restore (see "
                    "docs/operations.md), or move the folder away to start empty."
                )
            return False
        half_made = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700, parents=True)
        self._own(half_made)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
        command: list[str | Path] = [self.programs / "initdb", "-D", half_made]
        command += ["-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--no-locale", *locale, "--no-instructions"]
        if not self.durable:
            command.append("--no-sync")
        process = processes.spawn(command, output=subprocess.PIPE, identity=self.identity)
        said, _none = process.communicate(timeout=300)
        if process.returncode != 0:
            raise CannotStart(
                "initdb could not make the database:\n" + said.decode(errors="replace")
            )
        (half_made / "pg_hba.conf").write_text("local all all trust\n", encoding="utf-8")
        shutil.rmtree(self.data, ignore_errors=True)
        half_made.rename(self.data)
        return True

    def _own(self, folder: Path) -> None:
        """Give a folder to whom the server really runs as, where that is not us."""
        if self.identity is not None and not self.identity.mapped:
            os.chown(folder, self.identity.uid, self.identity.gid)

    # -- starting ---------------------------------------------------------------------------

    def command(self) -> list[str | Path]:
        """The server in the foreground."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.sockets)}
        if not self.durable:
            settings |= _UNSAFE_AND_FAST
        words: list[str | Path] = [self.programs / "postgres", "-D", self.data]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        return words

    def clear_stale(self, seconds: float = 10.0) -> str:
        """Before a start: end a server that a hard kill left, remove the marks of a dead one.

        Returns what was found, for people; empty when there was nothing. A mark is stale when its
        pid is dead, a zombie, or some other program that was given the same number.
        """
        mark = self.data / "postmaster.pid"
        found = ""
        pid = _first_number(mark)
        if pid is not None and _ids_of(pid, self.data):
            self._end(pid, seconds)
            found = "ended a database server that was left over"
        if mark.exists():
            mark.unlink(missing_ok=True)
            found = found or "removed the mark of a database server that was killed"
        socket = self.sockets / ".s.PGSQL.5432"
        for path in (socket, socket.with_name(socket.name + ".lock")):
            path.unlink(missing_ok=True)
        return found

    @staticmethod
    def _end(pid: int, seconds: float) -> None:
        birth = processes.born(pid)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            if processes.wait_gone(pid, birth, seconds):
                return
        raise CannotStart(f"A database server (process {pid}) does not end. End it by hand.")

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address of a database, for Django and for psycopg2 alike."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}"

    def ready(self) -> bool:
        """True when the server answers a query."""
        try:
            with psycopg2.connect(self.url("postgres", "postgres"), connect_timeout=2) as link:
                link.cursor().execute("SELECT 1")
            link.close()
        except psycopg2.Error:
            return False
        return True

    def prepare_roles(self) -> None:
        """The role that migrates, the role that runs, and the database. Safe to run again."""
        link = psycopg2.connect(self.url("postgres", "postgres"), connect_timeout=5)
        try:
            link.autocommit = True
            cursor = link.cursor()
            for role, rights in ((OWNER, "CREATEDB"), (RUNNING, "NOCREATEDB")):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if cursor.fetchone() is None:
                    cursor.execute(
                        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE " + rights).format(
                            sql.Identifier(role)
                        )
                    )
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
        finally:
            link.close()

    def system_identifier(self) -> str:
        """Names this data folder's content for as long as it lives."""
        link = psycopg2.connect(self.url("postgres", "postgres"), connect_timeout=5)
        try:
            cursor = link.cursor()
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            row = cursor.fetchone()
        finally:
            link.close()
        return str(row[0]) if row else ""


def _first_number(path: Path) -> int | None:
    try:
        line = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except OSError:
        return None
    return int(line) if line.isdigit() else None


def wait_ready(server: Postgres, process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait until the server answers; False when it ended or did not answer in time."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        if server.ready():
            return True
        time.sleep(0.05)
    return False


def longest_socket_folder() -> int:
    """How many bytes a socket's folder may have: the system's limit less the longest name in it."""
    return (103 if sys.platform == "darwin" else 107) - len("/.s.PGSQL.5432")
