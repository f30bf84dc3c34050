"""What a hard kill leaves is ended; what was only given the same number is not."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from recovery.embedded import leftovers, processes

# A leader that ignores the gentle signal and has a child of its own.
_STUBBORN = (
    "import os, signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)\n"
)


def _stubborn() -> tuple["subprocess.Popen[bytes]", int]:
    process = processes.spawn([sys.executable, "-c", _STUBBORN], output=subprocess.PIPE)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_family_that_was_left_is_ended(tmp_path: Path) -> None:
    process, child = _stubborn()
    birth = processes.born(child)
    leftovers.write(tmp_path / "children.json", {"worker": process.pid})

    assert leftovers.end(tmp_path / "children.json", seconds=0.5) == ["worker"]

    process.wait(timeout=5)
    assert processes.wait_gone(child, birth, 5)
    assert leftovers.end(tmp_path / "children.json") == []


def test_orphans_of_a_dead_leader_are_ended(tmp_path: Path) -> None:
    process, child = _stubborn()
    birth = processes.born(child)
    leftovers.write(tmp_path / "children.json", {"worker": process.pid})
    process.kill()
    process.wait()

    assert leftovers.end(tmp_path / "children.json", seconds=0.5) == ["worker"]
    assert processes.wait_gone(child, birth, 5)


def test_another_program_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    process, _child = _stubborn()
    record = tmp_path / "children.json"
    leftovers.write(record, {"worker": process.pid})
    rows = json.loads(record.read_text())
    rows["children"]["worker"]["born"] = "1"
    record.write_text(json.dumps(rows))

    assert leftovers.end(record, seconds=0.5) == []

    assert process.poll() is None
    processes.stop(process, signal.SIGKILL, 5)


def test_a_record_of_another_boot_says_nothing(tmp_path: Path) -> None:
    process, _child = _stubborn()
    record = tmp_path / "children.json"
    leftovers.write(record, {"worker": process.pid})
    rows = json.loads(record.read_text())
    rows["boot"] = "another"
    record.write_text(json.dumps(rows))

    assert leftovers.end(record, seconds=0.5) == []

    assert process.poll() is None
    processes.stop(process, signal.SIGKILL, 5)


def test_a_damaged_record_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "children.json").write_text("{")
    assert leftovers.end(tmp_path / "children.json") == []
