"""What the embedded mail server has kept, read for the mailbox page. Writes nothing.

The Maildir under `var/mailbox` belongs to `recovery.embedded.mailsink`; a message is found by its
file's name there, never by a path that a reader gave.
"""

import datetime as dt
import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Kept:
    """One message as a list shows it; `at` is when it arrived here, aware."""

    key: str
    at: dt.datetime
    sender: str
    recipient: str
    subject: str


@dataclass(frozen=True, slots=True)
class Opened:
    """One message in full. `html` is empty where there is only text."""

    kept: Kept
    sender_address: str
    recipient_address: str
    message_id: str
    language: str
    text: str
    html: str


def folder() -> Path:
    """Where the embedded mail server keeps messages."""
    return Path(settings.VAR_DIR) / "mailbox"


def _files() -> dict[str, Path]:
    """The files by key, newest first; a file may move from `new` to `cur` while we look."""
    found: dict[str, Path] = {}
    for part in ("new", "cur"):
        try:
            entries = list((folder() / part).iterdir())
        except FileNotFoundError:
            continue
        found.update({entry.name.partition(":")[0]: entry for entry in entries})
    return dict(sorted(found.items(), key=lambda item: _arrival(item[0]), reverse=True))


def _arrival(key: str) -> tuple[int, str]:
    """Seconds since 1970 that a Maildir's file name begins with, and the name to settle a tie."""
    seconds = key.partition(".")[0]
    return (int(seconds) if seconds.isdigit() else 0, key)


def _kept(key: str, message: EmailMessage) -> Kept:
    def shown(header: str) -> str:
        name, address = parseaddr(str(message.get(header, "")))
        return name or address

    return Kept(
        key=key,
        at=dt.datetime.fromtimestamp(_arrival(key)[0], dt.UTC),
        sender=shown("From"),
        recipient=shown("To"),
        subject=str(message.get("Subject", "")),
    )


def newest(start: int, size: int) -> tuple[list[Kept], bool]:
    """`size` messages from the `start`-th newest on, and whether there are older ones."""
    files = _files()
    parser = BytesHeaderParser(policy=email.policy.default)
    rows = []
    for key, path in list(files.items())[start : start + size]:
        try:
            with path.open("rb") as file:
                rows.append(_kept(key, parser.parse(file)))
        except FileNotFoundError:
            continue  # moved or forgotten in this moment: the next look finds it where it is
    return rows, len(files) > start + size


def read(key: str) -> Opened | None:
    """One message in full; None when there is none of that name."""
    path = _files().get(key)
    if path is None:
        return None
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return Opened(
        kept=_kept(key, message),
        sender_address=parseaddr(str(message.get("From", "")))[1],
        recipient_address=parseaddr(str(message.get("To", "")))[1],
        message_id=str(message.get("Message-ID", "")),
        language=str(message.get("Content-Language", "")),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
