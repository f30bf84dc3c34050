"""The mail server of the embedded mode: keeps every message and tells the product it arrived.

Messages go into a Maildir under `var/mailbox`. One that names its outbox row in the header
`X-Recovery-Message` stays in `new` until the product has taken the receipt, and then moves to
`cur`; so a receipt that was interrupted is taken up again on the next start. Nothing ever leaves
this machine. Without an embedded mode a provider's webhook does this work.
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import logging
import mailbox
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HEADER = "X-Recovery-Message"
LARGEST = 5 * 1024 * 1024  # bytes of one message
KEPT = 2000  # messages; the oldest go first
# Seconds before each try of a receipt; after the last one it waits for the next start.
TRIES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0)

log = logging.getLogger("recovery.mailbox")


def signature(secret: bytes, receipt_id: str, timestamp: int, body: bytes) -> str:
    """The Standard Webhooks signature of one delivery: HMAC-SHA256 of id, time and body."""
    signed = f"{receipt_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def receipt(message_id: str, when: datetime) -> bytes:
    """The body that says a message was delivered; `when` is aware."""
    return json.dumps(
        {
            "type": "message.delivered",
            "timestamp": when.isoformat(),
            "data": {"message_id": message_id},
        },
        separators=(",", ":"),
    ).encode()


def post(url: str, secret: bytes, receipt_id: str, body: bytes) -> bool:
    """Send one receipt, signed now. True when it was taken, or refused in a way no retry mends."""
    timestamp = int(time.time())
    request = urllib.request.Request(  # noqa: S310  the address is our own server's
        url,
        data=body,
        method="POST",
        headers={
            "Content-Type": "application/json",
            "webhook-id": receipt_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, receipt_id, timestamp, body),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        log.warning("receipt refused with %s", refusal.code)
        return refusal.code < 500 and refusal.code not in {408, 425, 429}
    except OSError as problem:
        log.info("receipt not taken yet: %s", type(problem).__name__)
        return False


class Sink:
    """Takes messages over SMTP, keeps them, and sends their receipts."""

    def __init__(self, folder: Path, url: str, secret: bytes) -> None:
        self.folder = folder
        self.url = url
        self.secret = secret
        self.box = mailbox.Maildir(str(folder), create=True)
        folder.chmod(0o700)
        self._busy: set[asyncio.Task[None]] = set()
        self._few = asyncio.Semaphore(4)
        self._one = asyncio.Lock()  # Maildir numbers its files and expects one writer

    def keep(self, content: bytes, sender: str, recipients: Sequence[str]) -> tuple[str, str]:
        """Store a message on disk; its key and the outbox row it names, or an empty text."""
        named = str(BytesHeaderParser().parsebytes(content).get(HEADER, ""))
        envelope = f"Return-Path: <{sender}>\nDelivered-To: {', '.join(recipients)}\n"
        # Maildir writes it under tmp/, brings it to disk, and only then renames it into new/.
        key = str(self.box.add(envelope.encode() + content.replace(b"\r\n", b"\n")))
        if not named:
            self.acknowledge(key)
        return key, named

    def forget_old(self) -> None:
        """Keep the newest messages only, so that a demonstration never fills the disk."""
        files = [path for name in ("new", "cur") for path in (self.folder / name).iterdir()]
        files.sort(key=lambda path: path.stat().st_mtime_ns)
        for path in files[: max(0, len(files) - KEPT)]:
            path.unlink(missing_ok=True)

    def acknowledge(self, key: str) -> None:
        """Nothing is owed for this message: it is no longer new."""
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "new" / key).rename(self.folder / "cur" / f"{key}:2,")

    async def tell(self, key: str, message_id: str) -> None:
        """Send one receipt, a bounded number of times, ever later."""
        body = receipt(message_id, datetime.now(UTC))
        # The same id for every try: the product takes a receipt once.
        receipt_id = f"mailbox-{hashlib.sha256(f'{message_id} {key}'.encode()).hexdigest()[:32]}"
        async with self._few:
            for pause in TRIES:
                await asyncio.sleep(pause)
                if await asyncio.to_thread(post, self.url, self.secret, receipt_id, body):
                    await asyncio.to_thread(self.acknowledge, key)
                    return
        log.error("a receipt was never taken; it is sent again on the next start")

    def tell_soon(self, key: str, message_id: str) -> None:
        """Send the receipt without making the sender wait."""
        task = asyncio.get_running_loop().create_task(self.tell(key, message_id))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    def take_up(self) -> int:
        """Receipts that an earlier process still owes; how many."""
        owed = 0
        for path in sorted((self.folder / "new").iterdir()):
            with path.open("rb") as file:
                named = BytesHeaderParser().parse(file).get(HEADER)
            if named:
                self.tell_soon(path.name, str(named))
                owed += 1
        return owed

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's door: answer only once the message is on disk."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        try:
            async with self._one:
                key, named = await asyncio.to_thread(
                    self.keep, raw, envelope.mail_from or "", envelope.rcpt_tos
                )
        except OSError:
            log.exception("a message could not be kept")
            return "451 The message could not be kept; try again later"
        if named:
            self.tell_soon(key, named)
        return "250 Kept"


async def serve(sink: Sink, listener: socket.socket) -> None:
    """Take messages until told to end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    sink.forget_old()
    owed = sink.take_up()
    server = await loop.create_server(
        lambda: SMTP(sink, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="mailbox"),
        sock=listener,
    )
    log.info("taking mail, %d receipts owed", owed)
    async with server:
        await ended.wait()


def main() -> None:
    """The command line: a socket that is already open, or a port of this machine."""
    reader = argparse.ArgumentParser(description="Keeps mail for the mailbox page.")
    reader.add_argument("--folder", type=Path, required=True)
    where = reader.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="an open listening socket")
    where.add_argument("--port", type=int, help="a port on 127.0.0.1")
    asked = reader.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    if asked.fd is not None:
        listener = socket.socket(fileno=asked.fd)
    else:
        listener = socket.create_server(("127.0.0.1", asked.port))
    listener.setblocking(False)
    os.umask(0o077)
    base = os.environ["PUBLIC_BASE_URL"].rstrip("/")
    secret = bytes.fromhex(os.environ["RECEIPT_SECRET"])
    asyncio.run(_run(asked.folder, f"{base}/api/v1/receipts/mailbox", secret, listener))


async def _run(folder: Path, url: str, secret: bytes, listener: socket.socket) -> None:
    await serve(Sink(folder, url, secret), listener)


if __name__ == "__main__":
    main()
