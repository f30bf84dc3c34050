"""A real SMTP server on this machine whose behaviour a test chooses, and that remembers all it saw.

Runs in a thread of the test's process, on 127.0.0.1 and a free port; the port stays the same when
the server is taken down and brought back.
"""

import asyncio
import email
import email.policy
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

# It tells every step of every dialogue.
logging.getLogger("mail.log").setLevel(logging.WARNING)

Answer = Callable[["Delivery"], str]


@dataclass(frozen=True)
class Delivery:
    """One transmission whose text arrived whole, whatever was answered."""

    at: float
    recipient: str
    mail: EmailMessage

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])

    @property
    def recovery_id(self) -> str:
        return str(self.mail["X-Recovery-Message"])


class MailServer:
    """`accept` decides on a text that has arrived; `recipient_answer` on a recipient before it.

    `hang` holds every text until `release()`; `cut` breaks the connection after the text arrived,
    without an answer.
    """

    def __init__(self) -> None:
        self.port = _free_port()
        self.received: list[Delivery] = []
        self.accepted: list[Delivery] = []
        self.connections = 0
        self.recipient_answer = "250 OK"
        self.accept: Answer = lambda delivery: "250 OK queued as 4F2A9"
        self.cut = 0
        self.cut_early = 0
        self.hang = False
        self._released = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10), "the mail server did not start"

    def stop(self) -> None:
        if self._loop is None or self._thread is None:
            return
        self.release()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop = self._thread = None

    def release(self) -> None:
        """Lets go of every text that is being held, and holds no more."""
        self.hang = False
        self._released.set()

    def hold(self) -> None:
        """Keeps every text that arrives from now on without an answer."""
        self._released.clear()
        self.hang = True

    def wait_for(self, count: int, seconds: float = 20, *, accepted: bool = True) -> None:
        """Waits until that many texts were accepted (or only arrived)."""
        seen = self.accepted if accepted else self.received
        end = time.monotonic() + seconds
        while len(seen) < count:
            assert time.monotonic() < end, f"{len(seen)} of {count} mails came in {seconds} s"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- the server's side --------------------------------------------------------------------

    def _run(self, ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        listener = socket.create_server(("127.0.0.1", self.port))
        server = loop.run_until_complete(
            loop.create_server(lambda: SMTP(self, hostname="mail.test"), sock=listener)
        )
        self._loop = loop
        ready.set()
        try:
            loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if self.cut_early > 0:
            self.cut_early -= 1
            _hang_up(server)
            return "421 bye"
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        mail: Any = email.message_from_bytes(content, policy=email.policy.default)
        delivery = Delivery(time.monotonic(), envelope.rcpt_tos[0], mail)
        self.received.append(delivery)
        # A client that dies while we think does not change what we decide.
        return await asyncio.shield(asyncio.ensure_future(self._decide(server, delivery)))

    async def _decide(self, server: SMTP, delivery: Delivery) -> str:
        if self.hang:
            await asyncio.to_thread(self._released.wait, 120)
        if self.cut > 0:
            self.cut -= 1
            _hang_up(server)
            return "421 bye"
        answer = self.accept(delivery)
        if answer.startswith("250"):
            self.accepted.append(delivery)
        return answer


def _hang_up(server: SMTP) -> None:
    transport = server.transport
    assert isinstance(transport, asyncio.WriteTransport)
    transport.abort()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
