"""The embedded PostgreSQL: made, started, recovered, as root and as an ordinary user."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg2
import pytest

from recovery.embedded import postgres, processes
from recovery.embedded.errors import CannotStart


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, since a socket's may not be long, where an ordinary user may enter."""
    with tempfile.TemporaryDirectory(prefix="rec-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def make(folder: Path, *, durable: bool = False) -> postgres.Postgres:
    sockets = folder / "s"
    sockets.mkdir(mode=0o700, exist_ok=True)
    return postgres.Postgres(folder / "data", sockets, durable=durable)


def start(server: postgres.Postgres) -> "subprocess.Popen[bytes]":
    server.prepare()
    process = processes.spawn(
        server.command(), identity=server.identity, death_signal=signal.SIGKILL
    )
    assert postgres.wait_ready(server, process, 30)
    return process


@contextlib.contextmanager
def running(server: postgres.Postgres) -> Iterator["subprocess.Popen[bytes]"]:
    process = start(server)
    try:
        yield process
    finally:
        processes.stop(process, signal.SIGQUIT, 10)


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    link = psycopg2.connect(url)
    try:
        link.autocommit = True
        cursor = link.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
    finally:
        link.close()


def test_roles_and_extensions(folder: Path) -> None:
    server = make(folder)
    with running(server):
        server.prepare_roles()
        server.prepare_roles()  # safe to run again

        for name in ("pg_trgm", "unaccent"):
            run(server.url(postgres.OWNER), f"CREATE EXTENSION {name}")
        assert run(server.url(postgres.RUNNING), "SELECT current_user") == [(postgres.RUNNING,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run(server.url(postgres.RUNNING), "CREATE TABLE mine (id int)")


def test_it_listens_on_no_port(folder: Path) -> None:
    server = make(folder)
    with running(server):
        assert run(server.url("postgres", "postgres"), "SHOW listen_addresses") == [("",)]


def test_a_killed_server_starts_again_with_what_it_had(folder: Path) -> None:
    server = make(folder, durable=True)
    with running(server) as process:
        server.prepare_roles()
        run(server.url(postgres.OWNER), "CREATE TABLE kept AS SELECT 7 AS number")
        process.kill()
        process.wait()
    assert (server.data / "postmaster.pid").exists()

    found = server.clear_stale()
    with running(server):
        assert run(server.url(postgres.OWNER), "SELECT number FROM kept") == [(7,)]
    assert "killed" in found


def test_a_mark_whose_number_belongs_to_another_program_is_stale(folder: Path) -> None:
    """PostgreSQL alone would refuse to start: the number in its mark is alive."""
    server = make(folder)
    with running(server):
        mark = (server.data / "postmaster.pid").read_text()
    rest = mark.partition("\n")[2]
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")

    server.clear_stale()

    assert not (server.data / "postmaster.pid").exists()
    with running(server):
        assert server.ready()


def test_a_mark_of_a_zombie_is_stale(folder: Path) -> None:
    server = make(folder)
    process = start(server)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    try:
        server.clear_stale()
        assert not (server.data / "postmaster.pid").exists()
    finally:
        process.wait()


def test_a_server_left_running_is_ended_first(folder: Path) -> None:
    server = make(folder)
    process = start(server)

    found = server.clear_stale()

    assert "left over" in found
    process.wait(timeout=5)
    with running(server):
        assert server.ready()


def test_a_half_made_folder_never_counts(folder: Path) -> None:
    server = make(folder)
    half_made = folder / "data.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")

    assert server.prepare() is True
    assert server.prepare() is False
    assert not half_made.exists()


def test_data_of_another_version_is_refused_in_words(folder: Path) -> None:
    server = make(folder)
    server.prepare()
    (server.data / "PG_VERSION").write_text("14\n")

    with pytest.raises(CannotStart, match="made by PostgreSQL 14"):
        server.prepare()


def test_the_server_ends_with_its_parent(folder: Path) -> None:
    """A parent that is killed outright leaves no server behind."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from recovery.embedded import postgres, processes\n"
        "from recovery.embedded.tests.test_postgres import make\n"
        "server = make(Path(sys.argv[1])); server.prepare()\n"
        "process = processes.spawn(server.command(), identity=server.identity,"
        " death_signal=signal.SIGINT)\n"
        "assert postgres.wait_ready(server, process, 30)\n"
        "print(process.pid, processes.born(process.pid), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    if not processes.LINUX:
        pytest.skip("only Linux tells a child that its parent died")
    said = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False
    )
    pid, birth = said.stdout.split()

    assert processes.wait_gone(int(pid), birth, 10)


def _as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("this one is about root")


def test_root_starts_it_without_giving_anything_away(folder: Path) -> None:
    _as_root()
    server = make(folder)
    with running(server) as process:
        assert server.identity is not None
        seen = int(Path(f"/proc/{process.pid}/status").read_text().split("Uid:")[1].split()[0])
        owner = server.data.stat().st_uid
    # In a namespace both look like ours from outside; where those are forbidden, both are the
    # ordinary user's. Never one of each.
    assert seen == owner == (0 if server.identity.mapped else server.identity.uid)


def test_root_drops_to_an_ordinary_user_where_namespaces_are_forbidden(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_root()
    able = postgres.Postgres._runs_as
    monkeypatch.setattr(
        postgres.Postgres,
        "_runs_as",
        lambda self, identity: not identity.mapped and able(self, identity),
    )
    server = make(folder)
    if not able(server, processes.Identity(*processes.nobody(), mapped=False)):
        pytest.skip("an ordinary user may not enter this checkout")
    with running(server) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
    assert int(status.split("Uid:")[1].split()[0]) == processes.nobody()[0]


def test_root_is_told_what_to_do_where_nothing_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_root()
    monkeypatch.setattr(postgres.Postgres, "_runs_as", lambda self, identity: False)

    with pytest.raises(CannotStart, match="ordinary user"):
        make(folder).prepare()


def _as_ordinary_user(folder: Path, answer: Connection) -> None:
    """Runs in a forked child, which may not be able to read our Python again."""
    if os.geteuid() == 0:
        uid, gid = processes.nobody()
        os.chown(folder, uid, gid)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    try:
        server = make(folder)
        with running(server):
            answer.send((server.identity, server.data.stat().st_uid, server.ready()))
    except PermissionError as problem:
        answer.send(problem)


def test_an_ordinary_user_starts_it(folder: Path) -> None:
    wanted = os.geteuid() or processes.nobody()[0]
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    child = fork.Process(target=_as_ordinary_user, args=(folder, there))
    child.start()
    there.close()
    try:
        said = here.recv()
    finally:
        child.join(60)
    if isinstance(said, PermissionError):
        pytest.skip(f"an ordinary user may not enter this checkout: {said}")
    assert said == (None, wanted, True)
