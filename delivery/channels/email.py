"""Email through Django's mail backends; over SMTP each step of the dialogue is watched.

SMTP takes no idempotency key. What tells a certain failure from an uncertain one is where the
dialogue broke: before the message's text was sent the server cannot have it; from then until its
answer nobody knows. Every try carries the same Message-ID, so that a mailbox shows one message.
"""

import re
import smtplib
import time
from email.utils import formataddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

from ..states import AttemptOutcome
from .base import Adapter, Envelope, Outcome

# Seconds for the whole dialogue, and for any one step of it.
DIALOGUE_SECONDS = 30.0
STEP_SECONDS = 10.0

_LINE_END = re.compile(rb"\r\n|\r|\n")
_QUEUED_AS = re.compile(rb"queued as ([A-Za-z0-9.-]{1,100})")


def message_id(envelope: Envelope) -> str:
    """The Message-ID of every try of one message."""
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or "localhost"
    return f"<{envelope.id}@{host}>"


def build(envelope: Envelope) -> EmailMultiAlternatives:
    """The mail: text, HTML where there is some, and the headers that name the message."""
    mail = EmailMultiAlternatives(
        subject=envelope.subject,
        body=envelope.text,
        from_email=formataddr((envelope.sender_name, envelope.sender_address)),
        to=[formataddr((envelope.recipient_name, envelope.recipient_address))],
        headers={
            "Message-ID": message_id(envelope),
            "X-Recovery-Message": str(envelope.id),
            "Content-Language": envelope.language,
            "Auto-Submitted": "auto-generated",
        },
    )
    if envelope.html:
        mail.attach_alternative(envelope.html, "text/html")
    return mail


class _Answered(Exception):
    """The server said no to one step."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _judge(code: int) -> Outcome:
    """A clear no: for now (4xx) or for good (5xx)."""
    kind = AttemptOutcome.REFUSED if 500 <= code < 600 else AttemptOutcome.RETRY
    return Outcome(kind, f"smtp_{code}")


def _word(error: OSError) -> str:
    """A machine word for what broke a connection."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "smtp_sign_in"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp_{error.smtp_code}"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError):
        return "connection_lost"
    return "unreachable"


class _Dialogue:
    """One mail over one open SMTP connection, each step bounded by what is left of the time."""

    def __init__(self, server: smtplib.SMTP, deadline: float) -> None:
        self.server = server
        self.deadline = deadline
        # From the first byte of the text until the answer, the outcome of a break is unknown.
        self.text_sent = False

    def _bound(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self.server.sock is not None:
            self.server.sock.settimeout(min(STEP_SECONDS, left))

    def _step(self, answer: tuple[int, bytes], *wanted: int) -> None:
        if answer[0] not in wanted:
            raise _Answered(answer[0])

    def send(self, sender: str, recipient: str, text: bytes) -> Outcome:
        self._bound()
        self.server.ehlo_or_helo_if_needed()
        self._bound()
        self._step(self.server.mail(sender), 250)
        self._bound()
        self._step(self.server.rcpt(recipient), 250, 251)
        self._bound()
        self._step(self.server.docmd("DATA"), 354)
        self._bound()
        stuffed = re.sub(rb"(?m)^\.", b"..", text)
        if not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        self.text_sent = True
        self.server.send(stuffed + b".\r\n")
        code, words = self.server.getreply()
        if code == 250:
            found = _QUEUED_AS.search(words)
            return Outcome(
                AttemptOutcome.ACCEPTED, reference=found[1].decode("ascii") if found else ""
            )
        if 400 <= code < 600:
            return _judge(code)
        return Outcome(AttemptOutcome.UNKNOWN, "smtp_unreadable")


def _over_smtp(backend: EmailBackend, mail: EmailMultiAlternatives) -> Outcome:
    deadline = time.monotonic() + DIALOGUE_SECONDS
    sender = sanitize_address(mail.from_email, "utf-8")
    recipient = sanitize_address(mail.to[0], "utf-8")
    text = _LINE_END.sub(b"\r\n", mail.message().as_bytes())
    dialogue: _Dialogue | None = None
    try:
        backend.open()
        assert backend.connection is not None
        dialogue = _Dialogue(backend.connection, deadline)
        return dialogue.send(sender, recipient, text)
    except _Answered as no:
        return _judge(no.code)
    except OSError as error:
        if dialogue is not None and dialogue.text_sent:
            return Outcome(AttemptOutcome.UNKNOWN, _word(error))
        return Outcome(AttemptOutcome.RETRY, _word(error))
    finally:
        if backend.connection is not None:
            backend.connection.close()
            backend.connection = None


def _over_other(mail: EmailMultiAlternatives) -> Outcome:
    """A provider behind another Django backend, which only says yes or raises."""
    try:
        accepted = mail.send()
    except ConnectionRefusedError:
        return Outcome(AttemptOutcome.RETRY, "connection_refused")
    except Exception as error:
        # Backends raise what they like. Those that speak HTTP say with which status.
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and 400 <= status < 500:
            kind = AttemptOutcome.RETRY if status == 429 else AttemptOutcome.REFUSED
            return Outcome(kind, f"http_{status}")
        return Outcome(AttemptOutcome.UNKNOWN, "provider_error")
    if not accepted:
        return Outcome(AttemptOutcome.REFUSED, "not_accepted")
    status = getattr(mail, "anymail_status", None)
    return Outcome(
        AttemptOutcome.ACCEPTED, reference=str(getattr(status, "message_id", None) or "")[:200]
    )


class EmailAdapter(Adapter):
    """The mail server or provider that EMAIL_URL or EMAIL_BACKEND names."""

    provider = "email"
    # The second is the mail server of the embedded mode.
    receipts_from = ("email", "mailbox")
    duplicate_harmless = True

    def send(self, envelope: Envelope) -> Outcome:
        mail = build(envelope)
        backend = get_connection(timeout=STEP_SECONDS)
        if isinstance(backend, EmailBackend):
            return _over_smtp(backend, mail)
        mail.connection = backend
        return _over_other(mail)
