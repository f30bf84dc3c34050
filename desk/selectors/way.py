"""The way of a message in words: where it is, what comes next, and whether to keep looking."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.models import Message
from delivery.states import Channel, Failure, MessageState

# The page looks again often at first, then less, and stops: most messages are out in two seconds.
OFTEN, RARELY = 2, 10
AT_FIRST = dt.timedelta(minutes=1)
NO_LONGER = dt.timedelta(minutes=15)
NEEDS_A_FRESH_ONE = frozenset({Failure.ADDRESS_CHANGED, Failure.CONTACT_GONE})
ON_ITS_WAY = frozenset({MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN})


def _clock(moment: dt.datetime | None) -> str:
    return date_format(timezone.localtime(moment), "TIME_FORMAT") if moment else ""


@dataclass(frozen=True, slots=True)
class Way:
    """A message as the person follows it. `poll` is in seconds; 0 where nothing is to come."""

    message: Message
    words: str
    next: str
    poll: int
    # Whether what it carries can still be used.
    live: bool = True

    @property
    def state(self) -> str:
        """The state that gives the label its colour: what nobody confirmed is not shown as sent."""
        return MessageState.QUEUED if self._never_confirmed else self.message.state

    @property
    def label(self) -> str:
        if self.to_confirm:
            return _("Ready")
        if self._never_confirmed:
            return _("Not confirmed")
        return str(MessageState(self.message.state).label)

    @property
    def seen(self) -> str:
        """What has to differ for the page to be drawn again."""
        return f"{self.message.state}-{self.message.attempts}-{self.poll}"

    @property
    def by_hand(self) -> bool:
        return self.message.channel == Channel.HANDOVER

    @property
    def arrived(self) -> bool:
        """Whether it is known that the customer has it."""
        return self.message.state == MessageState.DELIVERED

    @property
    def unconfirmed(self) -> bool:
        """To be handed over by a person, and nobody has said that the customer has it."""
        return self.by_hand and self.message.state == MessageState.SENT

    @property
    def to_confirm(self) -> bool:
        """The same of what can still be used, so that somebody has to do it."""
        return self.live and self.unconfirmed

    @property
    def _never_confirmed(self) -> bool:
        return not self.live and self.unconfirmed

    @property
    def may_repeat(self) -> bool:
        """Whether the same message can be tried again: its address still stands."""
        return self.live and self._stuck and self.message.failure not in NEEDS_A_FRESH_ONE

    @property
    def may_write_off(self) -> bool:
        return self._stuck and self.message.failure != Failure.WRITTEN_OFF

    @property
    def _stuck(self) -> bool:
        return self.message.state in {MessageState.FAILED, MessageState.UNKNOWN}


def way_of(message: Message, now: dt.datetime | None = None, *, live: bool = True) -> Way:
    """The message's way at an aware moment (now); `live` where its compensation can be used."""
    age = (now or timezone.now()) - message.created_at
    words, then = _words(message) if live else _words_of_dead(message)
    waiting = message.state in ON_ITS_WAY
    may_arrive = message.state == MessageState.SENT and message.channel != Channel.HANDOVER
    poll = 0
    if (waiting or may_arrive) and age < NO_LONGER:
        poll = OFTEN if waiting and age < AT_FIRST else RARELY
    return Way(message, words, then, poll, live)


def _words_of_dead(message: Message) -> tuple[str, str]:
    """Where it got to; nothing is to be done any more for what can no longer be used."""
    if message.channel == Channel.HANDOVER and message.state == MessageState.SENT:
        return _("Nobody confirmed that the customer got the link"), ""
    return _words(message)[0], ""


def _words(message: Message) -> tuple[str, str]:
    match message.state:
        case MessageState.QUEUED if message.attempts:
            return (
                ngettext(
                    "Not accepted yet, tried %(count)s time",
                    "Not accepted yet, tried %(count)s times",
                    message.attempts,
                )
                % {"count": message.attempts},
                _("It is tried again at %(time)s. You need do nothing.")
                % {"time": _clock(message.due_at)},
            )
        case MessageState.QUEUED:
            return _("Waiting to be sent"), _("It goes out within seconds.")
        case MessageState.SENDING:
            return _("Being sent"), ""
        case MessageState.SENT if message.channel == Channel.HANDOVER:
            return (
                _("Ready to hand over"),
                _("Give the customer the link or show the QR, then confirm it."),
            )
        case MessageState.SENT:
            return _("Sent at %(time)s") % {"time": _clock(message.sent_at)}, ""
        case MessageState.DELIVERED if message.channel == Channel.HANDOVER:
            return _("Handed over at %(time)s") % {"time": _clock(message.delivered_at)}, ""
        case MessageState.DELIVERED:
            return _("Delivered at %(time)s") % {"time": _clock(message.delivered_at)}, ""
        case MessageState.UNKNOWN:
            return (
                _("The provider did not say whether it went out"),
                _("It is sent once more on its own; the code stays the same."),
            )
    reason = (
        str(Failure(message.failure).label)
        if message.failure in Failure.values
        else _("It could not be sent")
    )
    if message.failure == Failure.WRITTEN_OFF:
        return reason, ""
    return reason, _("Correct the address, send it another way, or hand it over now.")
