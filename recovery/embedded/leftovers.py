"""The record of the children of one start, so that the next start can end what a hard kill left.

One JSON file under `var/`. Written whenever a child starts; read once, before anything starts.
"""

import json
import os
import signal
from pathlib import Path

from . import processes


def _boot() -> str:
    """Names this boot of the machine where the system tells: after a reboot no record holds."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def write(path: Path, children: dict[str, int]) -> None:
    """Record the children that run now, by name and pid."""
    rows = {name: {"pid": pid, "born": processes.born(pid)} for name, pid in children.items()}
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps({"boot": _boot(), "children": rows}), encoding="utf-8")
    scratch.replace(path)


def end(path: Path, seconds: float = 5.0) -> list[str]:
    """End what is left of the recorded children and give their names. Children first told by the
    kernel that their parent died get `seconds` to finish; then they are killed with their families.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    ended: list[str] = []
    if record.get("boot") == _boot():
        for name, row in reversed(record.get("children", {}).items()):
            if _end_family(int(row["pid"]), row["born"], seconds):
                ended.append(name)
    path.unlink(missing_ok=True)
    return ended


def _end_family(pid: int, birth: str | None, seconds: float) -> bool:
    now = processes.born(pid)
    if now is not None and now != birth:
        return False  # somebody else has this number now
    alive = now is not None
    if alive:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            alive = False
    if alive and not processes.wait_gone(pid, birth, seconds):
        processes.signal_group(pid, signal.SIGKILL)
        processes.wait_gone(pid, birth, seconds)
    # The leader is gone; its number cannot be given away while anybody is in its group.
    return processes.signal_group(pid, signal.SIGKILL) or alive
