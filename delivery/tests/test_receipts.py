"""Invariant 21: receipts are signed, fresh, deduplicated and only move forward."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from delivery import sending
from delivery.actions import deliver
from delivery.models import Message, Receipt
from delivery.signatures import FRESH_SECONDS
from delivery.states import Failure, MessageState
from tests.support.smtp import MailServer

from .factories import make_message

pytestmark = pytest.mark.django_db


def signed(event_id: str, timestamp: int, body: bytes, secret: bytes | None = None) -> str:
    """Written from the specification, not with the code under test."""
    text = event_id.encode() + b"." + str(timestamp).encode() + b"." + body
    mac = hmac.new(secret or settings.RECEIPT_SECRET, text, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def post(
    client: Client,
    message_id: object,
    kind: str = "message.delivered",
    *,
    event_id: str = "",
    provider: str = "email",
    age: int = 0,
    secret: bytes | None = None,
    signature: str | None = None,
    body: dict[str, Any] | None = None,
) -> Any:
    event_id = event_id or uuid.uuid4().hex
    timestamp = int(time.time()) - age
    content = json.dumps(
        body
        if body is not None
        else {
            "type": kind,
            "timestamp": timezone.now().isoformat(),
            "data": {"message_id": str(message_id)},
        }
    ).encode()
    return client.post(
        f"/api/v1/receipts/{provider}",
        content,
        content_type="application/json",
        headers={
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature
            if signature is not None
            else signed(event_id, timestamp, content, secret),
        },
    )


@pytest.fixture
def sent(mail_server: MailServer) -> Message:
    message = make_message()
    deliver(message.pk)
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    return message


@pytest.mark.parametrize("provider", ["email", "mailbox"])
def test_a_receipt_delivers(client: Client, sent: Message, provider: str) -> None:
    answer = post(client, sent.pk, provider=provider)
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"taken": True}
    sent.refresh_from_db()
    assert sent.state == MessageState.DELIVERED
    assert sent.delivered_at is not None
    row = AuditEvent.objects.filter(object_id=str(sent.pk)).latest("id")
    assert (row.act, row.before) == ("message.delivered", {"state": "sent"})


def test_the_same_event_is_taken_once(client: Client, sent: Message) -> None:
    first = post(client, sent.pk, event_id="evt_1")
    rows = AuditEvent.objects.count()
    again = post(client, sent.pk, event_id="evt_1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert json.loads(again.content) == {"taken": False}
    assert Receipt.objects.count() == 1
    assert AuditEvent.objects.count() == rows


def test_a_receipt_never_leads_backwards(client: Client, sent: Message) -> None:
    post(client, sent.pk)
    for late in ("message.sent", "message.bounced", "message.failed"):
        assert json.loads(post(client, sent.pk, late).content) == {"taken": True}
    sent.refresh_from_db()
    assert sent.state == MessageState.DELIVERED
    assert sent.failure == ""
    assert Receipt.objects.count() == 4


@pytest.mark.parametrize(
    ("kind", "state", "failure"),
    [
        ("message.bounced", MessageState.BOUNCED, Failure.BOUNCED),
        ("message.failed", MessageState.FAILED, Failure.REPORTED),
    ],
)
def test_bad_news_moves_too(
    client: Client, sent: Message, kind: str, state: str, failure: str
) -> None:
    post(client, sent.pk, kind)
    sent.refresh_from_db()
    assert (sent.state, sent.failure) == (state, failure)


def test_a_receipt_settles_an_unknown_outcome_and_stops_the_resend(
    client: Client, mail_server: MailServer
) -> None:
    mail_server.cut = 1
    message = make_message()
    deliver(message.pk)
    post(client, message.pk, "message.sent")
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    Message.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
    assert sending.sweep() == {}
    assert len(mail_server.received) == 1


@pytest.mark.parametrize("queued_again", [False, True])
def test_a_receipt_may_overtake_our_own_bookkeeping(
    client: Client, mail_server: MailServer, queued_again: bool
) -> None:
    message = make_message()
    claim = sending._claim(message.pk)
    assert claim is not None
    if queued_again:
        Message.objects.update(claimed_until=timezone.now() - dt.timedelta(seconds=1))
        sending._recover(message.pk)
    post(client, message.pk)
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED
    sending._run(claim)
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED
    assert message.tries.get().outcome == "accepted"
    assert sending.sweep() == {}


def test_a_message_that_was_never_tried_takes_no_receipt(client: Client, db: None) -> None:
    message = make_message()
    assert post(client, message.pk).status_code == 404
    message.refresh_from_db()
    assert message.state == MessageState.QUEUED
    assert Receipt.objects.count() == 0


def refused(client: Client, sent: Message, **options: Any) -> int:
    answer = post(client, sent.pk, **options)
    sent.refresh_from_db()
    assert sent.state == MessageState.SENT
    assert Receipt.objects.count() == 0
    assert answer["Content-Type"] == "application/problem+json"
    return int(answer.status_code)


def test_a_wrong_key_is_refused(client: Client, sent: Message) -> None:
    assert refused(client, sent, secret=b"x" * 32) == 401


@pytest.mark.parametrize("signature", ["", "v1,", "v1,AAAA", "v1,%%%", "v2," + "A" * 44])
def test_a_bad_signature_is_refused(client: Client, sent: Message, signature: str) -> None:
    assert refused(client, sent, signature=signature) == 401


@pytest.mark.parametrize("age", [FRESH_SECONDS + 5, -FRESH_SECONDS - 5])
def test_a_stale_or_future_receipt_is_refused(client: Client, sent: Message, age: int) -> None:
    assert refused(client, sent, age=age) == 401


def test_one_of_several_signatures_is_enough(client: Client, sent: Message) -> None:
    content = json.dumps(
        {
            "type": "message.delivered",
            "timestamp": timezone.now().isoformat(),
            "data": {"message_id": str(sent.pk)},
        }
    ).encode()
    now = int(time.time())
    both = f"{signed('e', now, content, b'o' * 32)} {signed('e', now, content)}"
    answer = client.post(
        "/api/v1/receipts/email",
        content,
        content_type="application/json",
        headers={"webhook-id": "e", "webhook-timestamp": str(now), "webhook-signature": both},
    )
    assert answer.status_code == 200


def test_a_changed_body_is_refused(client: Client, sent: Message) -> None:
    now = int(time.time())
    signature = signed("evt", now, b'{"type":"message.sent"}')
    assert refused(client, sent, signature=signature, event_id="evt") == 401


def test_an_unknown_provider_or_message_is_not_found(client: Client, sent: Message) -> None:
    assert refused(client, sent, provider="nobody") == 404
    assert post(client, uuid.uuid4()).status_code == 404
    assert Receipt.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"type": "message.opened", "timestamp": "2026-01-01T00:00:00Z", "data": {}},
        {"type": "message.sent", "timestamp": "yesterday", "data": {"message_id": "1"}},
        {
            "type": "message.sent",
            "timestamp": "2026-01-01T00:00:00Z",
            "data": {"message_id": str(uuid.uuid4()), "email": "m@example.com"},
        },
    ],
)
def test_a_signed_but_malformed_receipt_is_refused(
    client: Client, sent: Message, body: Any
) -> None:
    assert refused(client, sent, body=body) == 400


def test_a_long_event_id_is_refused(client: Client, sent: Message) -> None:
    assert refused(client, sent, event_id="e" * 200) == 400
