"""How long the second `make run` takes to its first page, and how much memory the idle stack has.

The whole command is run as a person runs it, in a folder of its own, with the demo company. Memory
is the sum of what each process has for itself and its part of what is shared (PSS); Linux says it.
"""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from recovery.embedded import processes, services
from recovery.embedded.environment import ROOT

from .serving import listening
from .table import Row

BUDGET, AIM = 10, 5  # seconds
MEMORY_BUDGET, MEMORY_AIM = 700, 450  # MB
LONGEST_FIRST = 900  # seconds: the first start fills the demo company
LONGEST_SECOND = 120
IDLE = 20  # seconds before the memory of an idle stack is read


def _environment(outside: Mapping[str, str], var: Path, port: int) -> dict[str, str]:
    """The person's variables without anything that would point at other servers."""
    kept = {
        name: value
        for name, value in outside.items()
        if not name.startswith(("RECOVERY_", "DATABASE_", "REDIS_", "EMAIL_", "MAKE"))
    }
    return {**kept, "RECOVERY_VAR": str(var), "PORT": str(port)}


@contextlib.contextmanager
def _running(
    outside: Mapping[str, str], var: Path, longest: float
) -> Iterator[tuple[int, int, float]]:
    """`make run`: its process, its port, and the seconds until the sign-in page came."""
    with listening() as listener:
        port = int(listener.getsockname()[1])
    log = var.with_name("make-run.log")
    with log.open("wb") as output:
        began = time.perf_counter()
        process = processes.spawn(
            ["make", "--no-print-directory", "run", f"PORT={port}"],
            env=_environment(outside, var, port),
            cwd=ROOT,
            output=output,
        )
    try:
        while not services.answers(port, "/accounts/login/"):
            if process.poll() is not None or time.perf_counter() - began > longest:
                raise RuntimeError(f"make run brought no page:\n{log.read_text()[-3000:]}")
            time.sleep(0.02)
        yield process.pid, port, time.perf_counter() - began
    finally:
        # As Ctrl-C does: everybody in the session is told, and the supervisor ends its own.
        processes.signal_group(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        processes.stop(process, signal.SIGTERM, 10)


def family(root: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def memory_of(pids: list[int]) -> float:
    """Megabytes of these processes, what they share counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def start_rows(outside: Mapping[str, str], folder: Path) -> Iterator[Row]:
    """First start with the demo company, second start, memory."""
    var = folder / "start" / "var"
    var.parent.mkdir(exist_ok=True)
    var.parent.chmod(0o711)
    with _running(outside, var, LONGEST_FIRST) as (_pid, _port, taken):
        yield Row("first start of make run, with the demo company", f"{taken:.1f} s")
    with _running(outside, var, LONGEST_SECOND) as (pid, port, taken):
        yield Row(
            "second start of make run to the first page",
            f"{taken:.1f} s",
            budget=f"{BUDGET} s",
            met=taken <= BUDGET,
        )
        if not processes.LINUX:
            return
        time.sleep(IDLE)
        pids = family(pid)
        used = memory_of(pids)
        yield Row(
            f"memory of the idle stack, {len(pids)} processes",
            f"{used:.0f} MB",
            budget=f"{MEMORY_BUDGET} MB",
            met=used <= MEMORY_BUDGET,
        )
        if not services.answers(port, "/api/v1/health/ready"):
            raise RuntimeError("the idle stack was not whole")
