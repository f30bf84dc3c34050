"""The state machine of one message against a real SMTP server."""

import datetime as dt
import logging
import uuid

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.db.utils import IntegrityError
from pytest_django.fixtures import Settings

from audit.models import AuditEvent
from delivery import sending, spread
from delivery.actions import deliver, outdate_contact
from delivery.channels.base import Outcome
from delivery.channels.email import EmailAdapter
from delivery.models import Attempt, Message
from delivery.registry import Rendered, register_topic
from delivery.selectors import waiting_for_a_person
from delivery.states import AttemptOutcome, Failure, MessageState
from tests.support.smtp import MailServer

from . import topics
from .factories import make_message

pytestmark = pytest.mark.django_db


def make_due(message: Message) -> None:
    """Lets the pause, or the claim, of a message be over."""
    past = Now() - dt.timedelta(seconds=1)
    Message.objects.filter(pk=message.pk).update(due_at=past)
    Message.objects.filter(pk=message.pk, claimed_until__isnull=False).update(claimed_until=past)


def outcomes(message: Message) -> list[str]:
    return list(message.tries.order_by("number").values_list("outcome", flat=True))


def state(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def test_an_accepted_mail_is_sent_once(mail_server: MailServer) -> None:
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.ACCEPTED
    assert state(message) == MessageState.SENT
    assert message.sent_at is not None
    assert message.claimed_until is None
    attempt = message.tries.get()
    assert attempt.outcome == AttemptOutcome.ACCEPTED
    assert attempt.finished_at is not None
    assert attempt.provider_reference == "4F2A9"
    assert deliver(message.pk) is None
    [arrived] = mail_server.accepted
    assert arrived.recipient == topics.address_of(message.ref)
    assert arrived.message_id == f"<{message.pk}@127.0.0.1>"
    assert arrived.recovery_id == str(message.pk)
    assert arrived.mail["From"] == f"{message.market.brand} <{message.market.sender_email}>"
    text = arrived.mail.get_body(("plain",))
    html = arrived.mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert topics.CODE in text.get_content()
    assert topics.LINK in html.get_content()


def test_lines_that_begin_with_a_dot_arrive_whole(mail_server: MailServer) -> None:
    words = "first\n.\n..two\n.last\n"
    message = make_message()
    register_topic(
        topics.TOPIC, render=lambda message: Rendered("Dots", words), resolve=topics.resolve
    )
    assert deliver(message.pk) == AttemptOutcome.ACCEPTED
    assert mail_server.accepted[0].mail.get_content().splitlines() == words.splitlines()


def test_a_dead_mail_server_is_tried_again_later(mail_server: MailServer) -> None:
    mail_server.stop()
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.RETRY
    assert state(message) == MessageState.QUEUED
    attempt = message.tries.get()
    assert attempt.error == "connection_refused"
    pause = message.due_at - attempt.started_at
    assert dt.timedelta(seconds=3) < pause < dt.timedelta(seconds=7)
    assert deliver(message.pk) is None, "it is not due yet"
    mail_server.start()
    make_due(message)
    assert deliver(message.pk) == AttemptOutcome.ACCEPTED
    assert state(message) == MessageState.SENT
    assert outcomes(message) == ["retry", "accepted"]


def test_tries_are_bounded_and_then_it_waits_for_a_person(mail_server: MailServer) -> None:
    mail_server.stop()
    message = make_message()
    tries = 0
    while state(message) == MessageState.QUEUED:
        make_due(message)
        deliver(message.pk)
        tries += 1
        assert tries <= spread.TRIES
    assert tries == spread.TRIES
    assert message.state == MessageState.FAILED
    assert message.failure == Failure.GAVE_UP
    assert list(waiting_for_a_person(Message.objects.all())) == [message]


@pytest.mark.parametrize("answer", ["450 later", "421 busy"])
def test_a_temporary_no_is_tried_again(mail_server: MailServer, answer: str) -> None:
    mail_server.recipient_answer = answer
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.RETRY
    assert state(message) == MessageState.QUEUED
    assert message.tries.get().error == f"smtp_{answer[:3]}"


def test_a_temporary_no_to_the_text_is_tried_again(mail_server: MailServer) -> None:
    mail_server.accept = lambda delivery: "451 disk full"
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.RETRY
    assert message.tries.get().error == "smtp_451"
    assert mail_server.accepted == []


@pytest.mark.parametrize("at_text", [False, True])
def test_a_permanent_no_fails_at_once(mail_server: MailServer, at_text: bool) -> None:
    if at_text:
        mail_server.accept = lambda delivery: "554 no"
    else:
        mail_server.recipient_answer = "550 no such person"
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.REFUSED
    assert state(message) == MessageState.FAILED
    assert message.failure == Failure.REFUSED
    assert message.tries.get().error == ("smtp_554" if at_text else "smtp_550")
    make_due(message)
    assert deliver(message.pk) is None


def test_a_break_before_the_text_is_certain(mail_server: MailServer) -> None:
    mail_server.cut_early = 1
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.RETRY
    assert state(message) == MessageState.QUEUED
    assert mail_server.received == []


def test_a_break_after_the_text_is_unknown_and_resent_once_as_the_same_mail(
    mail_server: MailServer,
) -> None:
    mail_server.cut = 1
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.UNKNOWN
    assert state(message) == MessageState.UNKNOWN
    assert deliver(message.pk) is None, "a receipt may still come"
    make_due(message)
    assert deliver(message.pk) == AttemptOutcome.ACCEPTED
    assert state(message) == MessageState.SENT
    first, second = mail_server.received
    assert first.message_id == second.message_id
    assert first.mail.get_body(("plain",)).get_content() == (  # type: ignore[union-attr]
        second.mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    )


def test_a_second_unknown_outcome_waits_for_a_person(mail_server: MailServer) -> None:
    mail_server.cut = 2
    message = make_message()
    deliver(message.pk)
    make_due(message)
    assert deliver(message.pk) == AttemptOutcome.UNKNOWN
    make_due(message)
    assert deliver(message.pk) is None
    assert sending.sweep() == {}
    assert state(message) == MessageState.UNKNOWN
    assert len(mail_server.received) == 2
    assert list(waiting_for_a_person(Message.objects.all())) == [message]


def test_a_claim_that_ran_out_is_unknown_not_forgotten(mail_server: MailServer) -> None:
    message = make_message()
    assert sending._claim(message.pk) is not None
    assert outcomes(message) == ["started"]
    assert deliver(message.pk) is None, "somebody has it"
    make_due(message)
    assert deliver(message.pk) == AttemptOutcome.ACCEPTED
    assert outcomes(message) == ["unknown", "accepted"]
    assert message.tries.get(number=1).error == "worker_lost"
    assert len(mail_server.accepted) == 1


def test_an_answer_after_the_claim_ran_out_still_counts(mail_server: MailServer) -> None:
    message = make_message()
    claim = sending._claim(message.pk)
    assert claim is not None
    make_due(message)
    with transaction.atomic():
        sending._recover(message.pk)
    assert state(message) == MessageState.QUEUED
    sending._run(claim)
    assert state(message) == MessageState.SENT
    assert outcomes(message) == ["accepted"]
    assert deliver(message.pk) is None
    assert len(mail_server.accepted) == 1


def test_a_corrected_address_never_gets_an_older_message(mail_server: MailServer) -> None:
    message = make_message()
    topics.corrected[message.ref.hex] = "right@example.com"
    assert deliver(message.pk) == AttemptOutcome.OUTDATED
    assert state(message) == MessageState.FAILED
    assert message.failure == Failure.ADDRESS_CHANGED
    assert topics.outdated == [str(message.pk)]
    assert mail_server.connections == 0


def test_a_removed_address_gets_nothing(mail_server: MailServer) -> None:
    message = make_message()
    topics.gone.add(message.ref.hex)
    assert deliver(message.pk) == AttemptOutcome.OUTDATED
    assert state(message) == MessageState.FAILED
    assert message.failure == Failure.CONTACT_GONE
    assert mail_server.connections == 0


def test_a_correction_between_tries_stops_the_next_one(mail_server: MailServer) -> None:
    mail_server.cut = 1
    message = make_message()
    deliver(message.pk)
    topics.corrected[message.ref.hex] = "right@example.com"
    make_due(message)
    assert deliver(message.pk) == AttemptOutcome.OUTDATED
    assert len(mail_server.received) == 1


def test_outdating_a_contact_fails_what_waits_and_returns_it(mail_server: MailServer) -> None:
    contact = uuid.uuid4()
    waiting = make_message(contact=contact)
    other = make_message()
    sent = make_message(contact=contact)
    deliver(sent.pk)
    assert outdate_contact(contact) == [waiting]
    assert state(waiting) == MessageState.FAILED
    assert waiting.failure == Failure.ADDRESS_CHANGED
    assert state(other) == MessageState.QUEUED
    assert state(sent) == MessageState.SENT
    assert outdate_contact(contact) == []


def test_words_that_cannot_be_made_are_tried_again_and_not_logged(
    mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(message: Message) -> object:
        raise ValueError(f"cannot word {topics.CODE}")

    message = make_message()
    register_topic(topics.TOPIC, render=broken, resolve=topics.resolve)  # type: ignore[arg-type]
    with caplog.at_level(logging.DEBUG):
        assert deliver(message.pk) == AttemptOutcome.RETRY
    assert message.tries.get().error == "not_prepared"
    assert state(message) == MessageState.QUEUED
    assert "ValueError" in caplog.text
    assert topics.CODE not in caplog.text


def test_every_arrow_leaves_one_audit_row(mail_server: MailServer) -> None:
    message = make_message()
    deliver(message.pk)
    rows = AuditEvent.objects.filter(object_id=str(message.pk)).order_by("id")
    assert [(row.act, row.before, row.after) for row in rows] == [
        ("message.sending", {"state": "queued"}, {"state": "sending", "attempts": 1}),
        ("message.sent", {"state": "sending"}, {"state": "sent", "attempts": 1}),
    ]
    assert {row.about_id for row in rows} == {str(message.about)}
    assert {row.market_code for row in rows} == {message.market.code}


def test_the_database_refuses_an_arrow_that_is_not_drawn(mail_server: MailServer) -> None:
    message = make_message()
    deliver(message.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(state=MessageState.QUEUED)


def test_the_database_keeps_a_pinned_address(mail_server: MailServer) -> None:
    message = make_message()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(address_fingerprint=b"x" * 32)


def test_no_transaction_is_open_while_the_provider_is_called(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, list[str]]] = []
    depth = len(connection.savepoint_ids)

    def spying(self: EmailAdapter, envelope: object) -> Outcome:
        seen.append((len(connection.savepoint_ids) - depth, outcomes(message)))
        return Outcome(AttemptOutcome.ACCEPTED)

    monkeypatch.setattr(EmailAdapter, "send", spying)
    message = make_message()
    deliver(message.pk)
    assert seen == [(0, ["started"])]


def test_a_channel_that_breaks_without_a_word_is_unknown(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: EmailAdapter, envelope: object) -> object:
        raise RuntimeError("no idea")

    monkeypatch.setattr(EmailAdapter, "send", broken)
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.UNKNOWN
    assert state(message) == MessageState.UNKNOWN


def test_a_sweep_takes_all_that_is_due_and_nothing_else(mail_server: MailServer) -> None:
    due = [make_message() for _ in range(3)]
    later = make_message()
    Message.objects.filter(pk=later.pk).update(due_at=F("due_at") + dt.timedelta(minutes=1))
    lost = make_message()
    sending._claim(lost.pk)
    make_due(lost)
    assert sending.sweep() == {"accepted": 4}
    assert {state(message) for message in [*due, lost]} == {"sent"}
    assert state(later) == MessageState.QUEUED
    assert sending.sweep() == {}


def test_a_sweep_stops_when_its_time_is_over(mail_server: MailServer) -> None:
    make_message()
    assert sending.sweep(seconds=0) == {}


def test_another_backend_of_django_is_used_as_it_is(settings: Settings) -> None:
    message = make_message()
    assert deliver(message.pk) == AttemptOutcome.ACCEPTED
    [sent] = mail.outbox
    assert sent.extra_headers["X-Recovery-Message"] == str(message.pk)


def test_attempts_are_numbered_once(mail_server: MailServer) -> None:
    message = make_message()
    deliver(message.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(message=message, number=1, provider="email")
