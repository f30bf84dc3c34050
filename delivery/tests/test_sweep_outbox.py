"""The operator's command."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Market
from delivery.models import Message
from delivery.periodic import sweep_outbox
from delivery.states import MessageState
from tests.support.smtp import MailServer

from .factories import make_message

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("sweep_outbox", *words, stdout=out)
    return out.getvalue()


def test_nothing_to_do_is_said() -> None:
    assert run() == "Nothing was due.\n"


def test_it_delivers_without_a_broker_and_says_what_waits(
    market: Market, mail_server: MailServer
) -> None:
    refused = make_message(market)
    mail_server.recipient_answer = "550 no"
    assert run() == "1 refused\n1 wait for a person: replay them or write them off.\n"
    mail_server.recipient_answer = "250 OK"
    make_message(market)
    make_message(market)
    assert "2 accepted" in run()
    assert Message.objects.exclude(pk=refused.pk).filter(state=MessageState.SENT).count() == 2


def test_time_that_is_over_is_an_error(market: Market, mail_server: MailServer) -> None:
    for _ in range(3):
        make_message(market)
    with pytest.raises(CommandError, match="still due"):
        run("--seconds", "0.000001")


@pytest.mark.parametrize("seconds", ["0", "-1", "1e9", "nan"])
def test_seconds_out_of_bounds(seconds: str) -> None:
    with pytest.raises(CommandError, match="--seconds"):
        run("--seconds", seconds)


def test_beat_starts_the_same(market: Market, mail_server: MailServer) -> None:
    message = make_message(market)
    sweep_outbox()
    message.refresh_from_db()
    assert message.state == MessageState.SENT
