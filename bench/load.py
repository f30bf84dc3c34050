"""Drives a web server over eight kept connections and measures what comes back.

One thread over plain sockets: the driver shares the machine's cores with what it measures, so it
has to cost little.
"""

import re
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .floor import CLIENTS

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LONGEST = 20  # seconds that one answer may take


@dataclass(slots=True)
class _Link:
    socket: socket.socket
    got: bytes = b""
    sent_at: float = 0

    def send(self, request: bytes) -> None:
        self.got = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def finished(self) -> bool:
        """Reads what has come; True when the answer is whole."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise RuntimeError(f"the server hung up after {self.got!r}")
        self.got += chunk
        head, apart, body = self.got.partition(b"\r\n\r\n")
        if not apart:
            return False
        length = _LENGTH.search(head)
        if length is None:
            raise RuntimeError(f"an answer without a length: {head!r}")
        return len(body) >= int(length[1])


@dataclass(slots=True)
class Answers:
    """What one run brought. Times in seconds; `refused` are whole answers, the first few."""

    seconds: float
    times: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.times) / self.seconds

    @property
    def p95(self) -> float:
        """Milliseconds."""
        return sorted(self.times)[int(len(self.times) * 0.95)] * 1000


def post(path: str, body: bytes, **headers: str) -> bytes:
    """One request as it goes over the wire; `headers` with underscores for hyphens."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drive(
    port: int,
    requests: Iterator[bytes],
    seconds: float,
    status: int = 200,
    *,
    at_least: int = 0,
) -> Answers:
    """Sends the requests for so long and until so many were answered, one after the other on each
    connection.

    Raises RuntimeError for an answer of another status, a lost connection, or too few requests.
    """
    links = [_Link(socket.create_connection(("127.0.0.1", port), 10)) for _n in range(CLIENTS)]
    wanted = f"HTTP/1.1 {status} ".encode()
    selector = selectors.DefaultSelector()
    try:
        for link in links:
            link.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(link.socket, selectors.EVENT_READ, link)
        answers = Answers(seconds)
        begin = time.perf_counter()
        for link in links:
            link.send(next(requests))
        waiting = len(links)
        while waiting:
            found = selector.select(LONGEST)
            if not found:
                raise RuntimeError(f"no answer in {LONGEST} seconds")
            for key, _events in found:
                link = key.data
                if not link.finished():
                    continue
                now = time.perf_counter()
                if link.got.startswith(wanted):
                    answers.times.append(now - link.sent_at)
                else:
                    answers.refused.append(link.got.decode(errors="replace")[:2000])
                if now - begin < seconds or len(answers.times) < at_least:
                    link.send(next(requests))
                else:
                    waiting -= 1
        answers.seconds = time.perf_counter() - begin
    except StopIteration:
        raise RuntimeError("fewer requests were prepared than the run needed") from None
    finally:
        selector.close()
        for link in links:
            link.socket.close()
    if answers.refused:
        raise RuntimeError(f"{len(answers.refused)} refused; the first: {answers.refused[0]}")
    return answers
