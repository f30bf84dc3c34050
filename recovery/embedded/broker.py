"""The embedded broker: a Valkey that keeps what it is given and listens on a Unix socket alone."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from . import binaries


class Broker:
    """One server: `data` holds its append-only file, `sockets` its socket, privately."""

    stop_signal = signal.SIGTERM

    def __init__(self, data: Path, sockets: Path, *, durable: bool = True) -> None:
        self.data = data
        self.socket = sockets / "broker.sock"
        self.durable = durable
        self.program = binaries.valkey_server()

    def prepare(self) -> None:
        """Make the folder of the append-only file."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str | Path]:
        """The server in the foreground: no port, no snapshots, nothing ever evicted."""
        words: list[str | Path] = [self.program, "--port", "0", "--daemonize", "no"]
        words += ["--unixsocket", self.socket, "--unixsocketperm", "700", "--dir", self.data]
        words += ["--save", "", "--maxmemory-policy", "noeviction", "--databases", "16"]
        words += ["--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec"]
        return words

    def clear_stale(self) -> None:
        """Remove a socket that nobody listens on any more."""
        if not self.ready():
            self.socket.unlink(missing_ok=True)

    def ready(self) -> bool:
        """True when the server answers and has read its file."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(1)
                link.connect(str(self.socket))
                link.sendall(b"PING\r\n")
                return link.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def url(self, database: int = 0) -> str:
        """The address as Celery takes it."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={database}"


def wait_ready(server: Broker, process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait until the server answers; False when it ended or did not answer in time."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        if server.ready():
            return True
        time.sleep(0.02)
    return False
