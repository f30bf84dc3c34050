"""Queueing, handing over, and what people decide about a message."""

import uuid
from collections.abc import Callable

import pytest
from django.db import transaction

from accounts.models import Market, Staff
from accounts.states import Role
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed, TransitionRefused
from common.fingerprints import fingerprint
from common.ids import uuid7
from delivery import waking
from delivery.actions import (
    confirm_handover,
    deliver,
    new_message,
    queue_message,
    replay,
    write_off,
)
from delivery.channels import available_channels
from delivery.models import Message
from delivery.selectors import latest_for, messages_about, visible_messages, waiting_for_a_person
from delivery.states import Channel, Failure, MessageState
from tests.support.smtp import MailServer

from . import topics
from .factories import make_message

pytestmark = pytest.mark.django_db


def queue(market: Market, **fields: object) -> Message:
    ref = uuid7()
    values: dict[str, object] = {
        "market": market,
        "topic": topics.TOPIC,
        "ref": ref,
        "about": None,
        "channel": "email",
        "language": "es",
        "contact": uuid7(),
        "address_fingerprint": fingerprint("contact", topics.address_of(ref)),
        "address_masked": "m•••@example.com",
        **fields,
    }
    return queue_message(**values)  # type: ignore[arg-type]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    calls: list[uuid.UUID] = []
    monkeypatch.setattr(waking, "wake", lambda message_id, seconds=0: calls.append(message_id))
    return calls


def failed_message(mail_server: MailServer, market: Market) -> Message:
    mail_server.recipient_answer = "550 no"
    message = make_message(market)
    deliver(message.pk)
    mail_server.recipient_answer = "250 OK"
    message.refresh_from_db()
    assert message.state == MessageState.FAILED
    return message


def unknown_message(mail_server: MailServer, market: Market) -> Message:
    mail_server.cut = 1
    message = make_message(market)
    deliver(message.pk)
    message.refresh_from_db()
    assert message.state == MessageState.UNKNOWN
    return message


def test_queueing_rings_once_the_transaction_commits(
    market: Market, rung: list[uuid.UUID], django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        message = queue(market)
        assert rung == []
    assert rung == [message.pk]
    assert message.state == MessageState.QUEUED
    assert message.created_at is not None


@pytest.mark.django_db(transaction=True)
def test_queueing_outside_a_transaction_is_a_mistake(market: Market) -> None:
    with pytest.raises(RuntimeError):
        queue(market)
    assert Message.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_message_rings_nobody(market: Market, rung: list[uuid.UUID]) -> None:
    with transaction.atomic():
        queue(market)
        transaction.set_rollback(True)
    assert rung == []
    assert Message.objects.count() == 0


def test_a_topic_nobody_words_is_a_mistake(market: Market) -> None:
    with pytest.raises(LookupError):
        queue(market, topic="test.unheard")


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "pigeon"])
def test_a_channel_that_is_not_there_is_refused(market: Market, channel: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        queue(market, channel=channel)
    assert refusal.value.field == "channel"


def test_email_needs_an_address(market: Market) -> None:
    with pytest.raises(InvalidInput):
        queue(market, contact=None)
    with pytest.raises(InvalidInput):
        queue(market, address_fingerprint=None)


def test_channels_that_exist(market: Market) -> None:
    assert available_channels(market) == [Channel.EMAIL, Channel.HANDOVER]
    market.is_active = False
    assert available_channels(market) == []


def test_handing_over_is_sent_at_once_and_delivered_by_the_agent(
    market: Market,
    agent: Staff,
    rung: list[uuid.UUID],
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        message = queue(market, channel="handover", contact=None, address_fingerprint=None)
    assert rung == [], "no worker has anything to do"
    assert message.state == MessageState.SENT
    assert message.sent_at is not None
    confirm_handover(message=message, by=agent)
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED
    assert message.delivered_at is not None
    row = AuditEvent.objects.get(object_id=str(message.pk))
    assert (row.act, row.actor_id) == ("message.delivered", str(agent.pk))
    with pytest.raises(TransitionRefused):
        confirm_handover(message=message, by=agent)


def test_only_what_is_handed_over_is_confirmed(
    market: Market, agent: Staff, mail_server: MailServer
) -> None:
    message = make_message(market)
    deliver(message.pk)
    with pytest.raises(TransitionRefused):
        confirm_handover(message=message, by=agent)


@pytest.mark.parametrize("make", [failed_message, unknown_message])
def test_a_person_replays(
    make: Callable[[MailServer, Market], Message],
    market: Market,
    agent: Staff,
    mail_server: MailServer,
) -> None:
    message = make(mail_server, market)
    assert deliver(message.pk) is None
    replay(message=message, by=agent)
    message.refresh_from_db()
    assert (message.state, message.failure) == (MessageState.QUEUED, "")
    assert message.attempts_before == message.attempts == 1
    row = AuditEvent.objects.filter(object_id=str(message.pk)).latest("id")
    assert (row.act, row.actor_id) == ("message.queued", str(agent.pk))
    deliver(message.pk)
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    assert {mail.message_id for mail in mail_server.received} == {f"<{message.pk}@127.0.0.1>"}


def test_a_message_to_a_changed_address_is_not_replayed(
    market: Market, agent: Staff, mail_server: MailServer
) -> None:
    message = make_message(market)
    topics.corrected[message.ref.hex] = "right@example.com"
    deliver(message.pk)
    with pytest.raises(TransitionRefused):
        replay(message=message, by=agent)
    message.refresh_from_db()
    assert message.state == MessageState.FAILED


@pytest.mark.parametrize("make", [failed_message, unknown_message])
def test_a_person_writes_off(
    make: Callable[[MailServer, Market], Message],
    market: Market,
    supervisor: Staff,
    mail_server: MailServer,
) -> None:
    message = make(mail_server, market)
    with pytest.raises(InvalidInput):
        write_off(message=message, by=supervisor, reason="  ")
    write_off(message=message, by=supervisor, reason="Called the customer instead.")
    message.refresh_from_db()
    assert (message.state, message.failure) == (MessageState.FAILED, Failure.WRITTEN_OFF)
    row = AuditEvent.objects.filter(object_id=str(message.pk)).latest("id")
    assert (row.actor_id, row.reason) == (str(supervisor.pk), "Called the customer instead.")
    assert list(waiting_for_a_person(Message.objects.all())) == []
    with pytest.raises(TransitionRefused):
        write_off(message=message, by=supervisor, reason="Again.")


def test_a_waiting_message_is_neither_replayed_nor_written_off(
    market: Market, agent: Staff
) -> None:
    message = make_message(market)
    with pytest.raises(TransitionRefused):
        replay(message=message, by=agent)
    with pytest.raises(TransitionRefused):
        write_off(message=message, by=agent, reason="No.")
    assert AuditEvent.objects.filter(object_id=str(message.pk)).count() == 0


@pytest.mark.parametrize("role", [Role.CASHIER, Role.ADMINISTRATOR, Role.AUDITOR, Role.FINANCE])
def test_other_roles_decide_nothing(
    role: str, market: Market, person: Callable[..., Staff], mail_server: MailServer
) -> None:
    message = failed_message(mail_server, market)
    rows = AuditEvent.objects.count()
    other, stranger = person(role), person(Role.AGENT, market=make_message().market)
    for somebody in (other, stranger):
        with pytest.raises(NotAllowed):
            replay(message=message, by=somebody)
        with pytest.raises(NotAllowed):
            write_off(message=message, by=somebody, reason="No.")
    message.refresh_from_db()
    assert (message.state, message.failure) == (MessageState.FAILED, Failure.REFUSED)
    assert AuditEvent.objects.count() == rows


def test_reading(market: Market, agent: Staff, person: Callable[..., Staff]) -> None:
    about, ref = uuid7(), uuid7()
    first = make_message(market, about=about, ref=ref)
    second = make_message(market, about=about, ref=ref, resend_of=first)
    elsewhere = make_message()
    assert list(messages_about(about)) == [first, second]
    assert latest_for(ref) == second
    assert latest_for(uuid7()) is None
    assert set(visible_messages(agent)) == {first, second}
    assert elsewhere not in visible_messages(agent)
    assert list(visible_messages(person(Role.CASHIER))) == []


def test_a_row_for_bulk_insertion_is_not_saved(market: Market) -> None:
    message = new_message(
        market=market,
        topic=topics.TOPIC,
        ref=uuid7(),
        about=None,
        channel="handover",
        language="en",
        contact=None,
        address_fingerprint=None,
        address_masked="",
    )
    assert Message.objects.count() == 0
    Message.objects.bulk_create([message])
    stored = Message.objects.get()
    assert stored.state == MessageState.SENT
    assert stored.sent_at is not None
