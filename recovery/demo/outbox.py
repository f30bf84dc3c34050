"""The messages of the past: what was sent about each compensation, and what became of it."""

import datetime as dt
import random
import uuid

from audit.actions import SYSTEM
from common.fingerprints import fingerprint
from compensations.states import TOPIC
from delivery.channels import adapter_for
from delivery.states import AttemptOutcome, Channel, Failure, MessageState

from .company import DemoMarket, Person
from .customers import DemoCustomer
from .ids import HistoricIds
from .tables import Tables
from .trail import Trail

# Shares of mails that were refused for good, bounced later, or accepted at a second try.
REFUSED, BOUNCED, RETRIED = 0.012, 0.009, 0.03
# Shares of accepted mails with a receipt, and of links the agent confirmed as handed over.
RECEIPTS, CONFIRMED = 0.93, 0.95
SENT_AGAIN = 0.8


class Outbox:
    """Writes messages with their attempts, receipts and audit rows; nothing waits to be sent."""

    def __init__(
        self,
        market: DemoMarket,
        *,
        now: dt.datetime,
        rng: random.Random,
        ids: HistoricIds,
        tables: Tables,
        trail: Trail,
    ) -> None:
        self.market = market
        self.now = now
        self.rng = rng
        self.ids = ids
        self.tables = tables
        self.trail = trail
        self.provider = adapter_for(Channel.EMAIL).provider

    def send(
        self,
        compensation: uuid.UUID,
        incident: uuid.UUID,
        customer: DemoCustomer,
        at: dt.datetime,
        by: Person,
        *,
        usable: bool = True,
    ) -> None:
        """The first message; a failed one is handed over later while the thing is `usable`."""
        if customer.channel == Channel.HANDOVER:
            self._hand_over(compensation, incident, customer, at, by, None)
            return
        message, failed = self._mail(compensation, incident, customer, at)
        again = at + dt.timedelta(minutes=self.rng.randint(8, 90))
        if failed and usable and again < self.now and self.rng.random() < SENT_AGAIN:
            self._hand_over(compensation, incident, customer, again, by, message)
            self.trail.add(
                again,
                "compensation.resent",
                by.actor,
                "compensation",
                compensation,
                about=incident,
                market=self.market.code,
                after={"channel": Channel.HANDOVER.value, "to": ""},
            )

    def _arrow(
        self,
        at: dt.datetime,
        message: uuid.UUID,
        incident: uuid.UUID,
        before: str,
        state: str,
        attempts: int,
        by: Person | None = None,
        note: str = "",
    ) -> None:
        after: dict[str, object] = {"state": state, "attempts": attempts}
        if note:
            after["note"] = note
        self.trail.add(
            at,
            f"message.{state}",
            by.actor if by else SYSTEM,
            "message",
            message,
            about=incident,
            market=self.market.code,
            before={"state": before},
            after=after,
        )

    def _hand_over(
        self,
        compensation: uuid.UUID,
        incident: uuid.UUID,
        customer: DemoCustomer,
        at: dt.datetime,
        by: Person,
        resend_of: uuid.UUID | None,
    ) -> None:
        message = self.ids.at(at)
        confirmed: dt.datetime | None = at + dt.timedelta(seconds=self.rng.randint(15, 200))
        if confirmed is not None and (confirmed > self.now or self.rng.random() > CONFIRMED):
            confirmed = None
        state = MessageState.DELIVERED if confirmed else MessageState.SENT
        self.tables.messages.add(
            message,
            self.market.row.pk,
            TOPIC,
            compensation,
            incident,
            Channel.HANDOVER,
            customer.language,
            None,
            None,
            "",
            state,
            0,
            resend_of,
            at,
            at,
            at,
            confirmed,
            "",
        )
        if confirmed:
            self._arrow(confirmed, message, incident, MessageState.SENT.value, state.value, 0, by)

    def _mail(
        self,
        compensation: uuid.UUID,
        incident: uuid.UUID,
        customer: DemoCustomer,
        at: dt.datetime,
    ) -> tuple[uuid.UUID, bool]:
        """One mail through its tries; says its id and whether it failed."""
        rng, message, roll = self.rng, self.ids.at(at), self.rng.random()
        tries = 2 if REFUSED + BOUNCED <= roll < REFUSED + BOUNCED + RETRIED else 1
        moment = at
        for number in range(1, tries + 1):
            started = min(moment + dt.timedelta(milliseconds=rng.randint(120, 900)), self.now)
            finished = min(started + dt.timedelta(milliseconds=rng.randint(80, 700)), self.now)
            self._arrow(
                started,
                message,
                incident,
                MessageState.QUEUED.value,
                MessageState.SENDING.value,
                number,
            )
            if roll < REFUSED:
                outcome, error = AttemptOutcome.REFUSED, "smtp_550"
            elif number < tries:
                outcome, error = AttemptOutcome.RETRY, "smtp_451"
                self._arrow(
                    finished,
                    message,
                    incident,
                    MessageState.SENDING.value,
                    MessageState.QUEUED.value,
                    number,
                    note=error,
                )
            else:
                outcome, error = AttemptOutcome.ACCEPTED, ""
            self.tables.attempts.add(
                message, number, self.provider, outcome, started, finished, "", error
            )
            moment = finished + dt.timedelta(seconds=rng.randint(25, 50))
        sent = None if roll < REFUSED else finished
        state, failure, told = self._ending(message, incident, tries, finished, roll)
        self.tables.messages.add(
            message,
            self.market.row.pk,
            TOPIC,
            compensation,
            incident,
            Channel.EMAIL,
            customer.language,
            customer.email_contact,
            fingerprint("contact", customer.email),
            customer.masked,
            state,
            tries,
            None,
            at,
            at,
            sent,
            told if state == MessageState.DELIVERED else None,
            failure,
        )
        return message, bool(failure)

    def _ending(
        self,
        message: uuid.UUID,
        incident: uuid.UUID,
        tries: int,
        finished: dt.datetime,
        roll: float,
    ) -> tuple[MessageState, str, dt.datetime | None]:
        """The state the message rests in, why it failed, and when the provider told us."""
        sending, sent = MessageState.SENDING.value, MessageState.SENT.value
        if roll < REFUSED:
            failed = MessageState.FAILED
            self._arrow(finished, message, incident, sending, failed.value, tries, note="smtp_550")
            return failed, Failure.REFUSED, None
        self._arrow(finished, message, incident, sending, sent, tries)
        told = finished + dt.timedelta(milliseconds=self.rng.randint(900, 14_000))
        bounced = roll < REFUSED + BOUNCED
        if told > self.now or (not bounced and self.rng.random() > RECEIPTS):
            return MessageState.SENT, "", None
        state = MessageState.BOUNCED if bounced else MessageState.DELIVERED
        self.tables.receipts.add(
            message, self.provider, f"demo-{message.hex[-20:]}", state, told, told
        )
        self._arrow(told, message, incident, sent, state.value, tries, note="receipt")
        return state, Failure.BOUNCED if bounced else "", told
