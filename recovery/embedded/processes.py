"""Child processes: started so that they end with their parent, stopped with all they started.

Each child leads a session of its own, so a signal from the terminal reaches only the supervisor and
a whole family can be ended at once. On Linux the kernel tells the child when its parent dies;
elsewhere the record of the last start (see `leftovers.py`) does that work.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LINUX = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
# Loaded before any fork: a forked child must not look for libraries.
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


@dataclass(frozen=True)
class Identity:
    """Whom a program sees itself as. PostgreSQL refuses to be root.

    `mapped`: in a user namespace where our own number is called `uid`: files stay ours, nothing
    is chowned. Otherwise the process really becomes `uid`, who must own what it writes.
    """

    uid: int
    gid: int
    mapped: bool


def wait_turns() -> None:
    """Lets this process, and what it starts from here on, wait for its turn when it is waked.

    Else a web worker whose answer has come pushes the database out of the middle of another's act,
    and each comes back to a cache that the other has filled (`docs/adr/0026`). A system that does
    not know the policy, or forbids it, runs as it did.
    """
    if LINUX:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def nobody() -> tuple[int, int]:
    """An ordinary user this machine knows by name: `nobody` if there is one."""
    people = [person for person in pwd.getpwall() if person.pw_uid != 0]
    people.sort(key=lambda person: (person.pw_name != "nobody", person.pw_uid))
    return (people[0].pw_uid, people[0].pw_gid) if people else (65534, 65534)


def _enter_namespace(identity: Identity, uid: int, gid: int) -> None:
    assert _libc is not None
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are forbidden here")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{identity.uid} {uid} 1"),
        ("gid_map", f"{identity.gid} {gid} 1"),
    ):
        handle = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)


def _before_exec(parent: int, death_signal: int, identity: Identity | None) -> Callable[[], None]:
    """What the forked child does before it becomes the program."""
    uid, gid = os.geteuid(), os.getegid()

    def prepare() -> None:
        wait_turns()
        if identity is not None and identity.mapped:
            _enter_namespace(identity, uid, gid)
        elif identity is not None:
            os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)
        if _libc is not None:
            # After the change of identity, which would clear it.
            _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)  # the parent died while this child was being made

    return prepare


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int = subprocess.DEVNULL,
    errors: IO[bytes] | int = subprocess.STDOUT,
    death_signal: int = signal.SIGTERM,
    identity: Identity | None = None,
    pass_fds: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own that ends when this process does.

    The parent-death signal belongs to the thread that starts the child: call this from the main
    thread, or the child ends with that thread.
    """
    return subprocess.Popen(
        [str(word) for word in argv],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
        preexec_fn=_before_exec(os.getpid(), death_signal, identity),
    )


def signal_group(group: int, number: int) -> bool:
    """Signal a whole process group; False when nothing of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group of zombies.
        return False
    return True


def stop(process: "subprocess.Popen[bytes]", number: int, seconds: float) -> bool:
    """Ask a child to stop, wait, then end it and all it started. True when asking was enough."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(timeout=seconds)
        asked = True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)
        asked = False
    signal_group(process.pid, signal.SIGKILL)
    return asked


def born(pid: int) -> str | None:
    """When a process started, as the system writes it; None when it is gone or a zombie.

    Together with the pid it names one process for ever: a recycled pid has another birth.
    """
    if LINUX:
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()  # the name may hold spaces and brackets
        return None if fields[0] in "ZX" else fields[19]
    listing = subprocess.run(
        ["/bin/ps", "-p", str(pid), "-o", "stat=,lstart="],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return None if not listing or listing.startswith("Z") else listing.partition(" ")[2]


def wait_gone(pid: int, birth: str | None, seconds: float) -> bool:
    """Wait for one process to be gone; False when it is still there after `seconds`."""
    end = time.monotonic() + seconds
    while birth is not None and born(pid) == birth:
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True
