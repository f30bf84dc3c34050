"""The whole product as `make run` starts it, in a folder that is thrown away."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 300
# What a test run sets for its own servers: the product decides these for itself.
OWN = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "PUBLIC_BASE_URL",
    "RECOVERY_TESTING",
    "RECOVERY_GUARDS_OFF",
    "CACHE_PREFIX",
    "CELERY_QUEUE",
    "SECRET_KEY",
    "CODE_HASH_KEYS",
    "CODE_CIPHER_KEYS",
    "AUDIT_SEAL_KEYS",
    "FINGERPRINT_KEY",
    "PORTAL_KEY",
    "RECEIPT_SECRET",
    "RUNNING_ROLE",
    "DJANGO_SETTINGS_MODULE",
    "PYTEST_PLUGINS",
)


def free_port() -> int:
    """A port of this machine's loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, port: int) -> dict[str, str]:
    """The variables of a person's shell, with a folder and a port of its own."""
    own = {name: value for name, value in os.environ.items() if name not in OWN}
    return {**own, "RECOVERY_VAR": str(folder), "PORT": str(port)}


def answers(address: str) -> bool:
    """Whether the product says that it is ready."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/health/ready", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Running(NamedTuple):
    """A product at work: where it answers, and the folder that a command beside it is told."""

    address: str
    var: Path


@contextmanager
def running_stack() -> Iterator[Running]:
    """Starts everything, demo company included; gives where it is and ends it afterwards.

    A product that runs already, named in RECOVERY_ADDRESS, is used as it is: for whoever writes a
    journey. Raises AssertionError with what the supervisor said when it does not become ready.
    """
    if running := os.environ.get("RECOVERY_ADDRESS"):
        yield Running(running.rstrip("/"), Path(os.environ.get("RECOVERY_VAR", ROOT / "var")))
        return
    with tempfile.TemporaryDirectory(prefix="recovery-stack-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        said = folder / "said.txt"
        with said.open("wb") as output:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "recovery.embedded.supervisor"],
                cwd=ROOT,
                env=environment(folder / "var", port),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            end = time.monotonic() + START_SECONDS
            while not answers(address) or b"Recovery is at" not in said.read_bytes():
                if supervisor.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"the product did not start:\n{said.read_text()}")
                time.sleep(0.3)
            yield Running(address, folder / "var")
        finally:
            supervisor.send_signal(signal.SIGINT)
            try:
                supervisor.wait(60)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                supervisor.wait()
