"""Everything the page of one case shows, read once with a bounded number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise as LazyText

from accounts.models import Market, Staff
from accounts.selectors import visible_staff
from accounts.states import Role
from common.folding import Fold
from compensations.actions.sending import choose_channel
from compensations.limits import Room
from compensations.models import Compensation
from compensations.selectors import OfferCard, OfferOption, offers_for
from compensations.states import LimitScope, Measure
from delivery.channels import available_channels
from delivery.models import Message
from delivery.selectors import messages_about
from delivery.states import Channel
from incidents.models import (
    ContactPoint,
    Customer,
    Incident,
    Playbook,
    PlaybookStep,
    Promise,
    RecoveryStep,
)
from incidents.selectors import (
    CustomerSummary,
    active_contacts,
    customer_summary,
    done_steps,
    playbook_for,
    playbook_unread,
)
from incidents.states import ContactKind, PromiseState, Step

from ..clocks import OPEN_STATES
from ..places import Desk
from .given import Given, YearGiven, compensations_on, given_in_year, given_on, live_coupons
from .story import MOST, Entry, story

REACHES: dict[str, str] = {
    Channel.EMAIL: ContactKind.EMAIL,
    Channel.SMS: ContactKind.PHONE,
    Channel.WHATSAPP: ContactKind.PHONE,
}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One of the five steps with the playbook's words; `state` is done, current or todo."""

    step: str
    label: LazyText | str
    state: str
    words: PlaybookStep | None
    done: RecoveryStep | None


@dataclass(frozen=True, slots=True)
class OptionRow:
    """An offer as the page shows it. `key` is the digit that picks it, empty when none does."""

    option: OfferOption
    key: str
    most_minor: int
    has_range: bool
    typed: str = ""
    error: str = ""
    checked: bool = False
    # What was typed was refused for want of a second person.
    asking: bool = False

    @property
    def pk(self) -> int:
        return self.option.offer.pk

    @property
    def tight(self) -> bool:
        """Whether the room left is what bounds the amount."""
        return self.most_minor < self.option.maximum_minor

    @property
    def asks(self) -> bool:
        """Whether, as it stands, choosing it asks for a second person."""
        return self.asking or self.option.asks

    @property
    def blocked(self) -> bool:
        """Whether nobody can give it here and now, alone or together."""
        return not self.option.grantable and not self.option.requestable

    @property
    def fits_minor(self) -> int:
        """The most that the person can grant alone now, in minor units; 0 where nothing fits."""
        option = self.option
        return option.alone_minor if option.alone_minor >= option.minimum_minor else 0

    @property
    def fits_value(self) -> str:
        """The same as `GrantForm` reads it back."""
        return f"{self.pk} {self.fits_minor}"

    @property
    def bounded_alone(self) -> bool:
        """Whether it can be granted alone up to an amount, and above it only be asked for."""
        option = self.option
        return option.grantable and option.requestable


@dataclass(frozen=True, slots=True)
class Rail:
    """The customer beside the case."""

    customer: Customer
    contacts: list[ContactPoint]
    summary: CustomerSummary
    year: YearGiven
    coupons: list[Compensation]


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the page of one case is drawn from."""

    steps: list[StepRow]
    playbook: Playbook | None
    unread: bool
    given: list[Given]
    offers: OfferCard | None
    channels: list[tuple[str, str]]
    channel: str
    entries: list[Entry]
    rail: Rail
    can_work: bool

    @property
    def unconfirmed(self) -> list[Given]:
        """What was granted to be handed over, and nobody said that the customer has it."""
        return [row for row in self.given if row.to_confirm]

    @property
    def shows_links(self) -> bool:
        """Whether a link can be handed over in the conversation here."""
        return any(channel == Channel.HANDOVER for channel, _label in self.channels)

    @property
    def senders(self) -> list[tuple[str, str]]:
        """The ways by which a message goes out; handing over is an act of its own."""
        return [choice for choice in self.channels if choice[0] != Channel.HANDOVER]

    @property
    def owed(self) -> list[Promise]:
        """What was promised to the customer and is still due, oldest first."""
        found = [entry.promise for entry in self.entries if entry.promise is not None]
        return [promise for promise in found if promise.state == PromiseState.DUE]

    @property
    def rooms(self) -> list[Room]:
        """The room of the offers on the page."""
        return tightest(self.offers.options if self.offers else [])


def tightest(options: Sequence[OfferOption]) -> list[Room]:
    """The tightest amount limit; where that bounds one grant, the tightest that fills up too."""
    counted = next((option.rooms for option in options if option.room is not None), [])
    amounts = [room for room in counted if room.measure == Measure.AMOUNT]
    if not amounts or amounts[0].scope != LimitScope.GRANT:
        return amounts[:1]
    filling = [room for room in amounts if room.scope != LimitScope.GRANT]
    return [amounts[0], *filling[:1]]


def steps_of(incident: Incident, playbook: Playbook | None) -> list[StepRow]:
    """The five steps in order; the first that is not done is the current one."""
    words: dict[str, PlaybookStep] = (
        {row.step: row for row in playbook.steps.all()} if playbook else {}
    )
    rows = []
    current = incident.state in OPEN_STATES
    for step, done in done_steps(incident).items():
        state = "done" if done else "current" if current else "todo"
        current = current and done is not None
        rows.append(StepRow(step, Step(step).label, state, words.get(step), done))
    return rows


def channel_choices(market: Market, contacts: Sequence[ContactPoint]) -> list[tuple[str, str]]:
    """The ways a message can go now, each with the masked address it would reach."""
    choices = []
    for channel in available_channels(market):
        kind = REACHES.get(channel)
        if kind is None:
            choices.append((str(channel), str(channel.label)))
            continue
        contact = next((row for row in contacts if row.kind == kind), None)
        if contact is not None:
            choices.append((str(channel), f"{channel.label} · {contact.masked}"))
    return choices


def option_rows(card: OfferCard) -> list[OptionRow]:
    """The offers with the digit that picks each one that may be granted or asked for now."""
    rows = []
    number = 0
    for option in card.options:
        key = ""
        if option.grantable or option.requestable:
            number += 1
            key = str(number) if number <= 9 else ""
        has_range = option.minimum_minor < option.maximum_minor
        # Where nothing can be given the range is shown as the scale has it.
        most = option.most_minor if option.most_minor >= option.minimum_minor else 0
        rows.append(OptionRow(option, key, most or option.maximum_minor, has_range))
    return rows


def rail_of(customer: Customer, contacts: list[ContactPoint]) -> Rail:
    return Rail(
        customer,
        contacts,
        customer_summary(customer),
        given_in_year(customer),
        live_coupons(customer),
    )


def case_view(desk: Desk, incident: Incident) -> CaseView:
    """Reads the whole page."""
    can_work = desk.works_in(incident.market_id)
    compensations = compensations_on(incident, desk.staff)
    messages: list[Message] = list(messages_about(incident.pk)[:MOST])
    contacts = active_contacts(incident.customer)
    playbook = playbook_for(incident.market, incident.category, incident.severity)
    chosen, _contact = choose_channel(
        incident.customer.preferred_channel, contacts, available_channels(incident.market)
    )
    open_now = incident.state in OPEN_STATES
    return CaseView(
        steps=steps_of(incident, playbook),
        playbook=playbook,
        unread=playbook is not None and can_work and playbook_unread(playbook, desk.staff),
        given=given_on(compensations, desk.staff, messages),
        offers=offers_for(incident, by=desk.staff if can_work else None) if open_now else None,
        channels=channel_choices(incident.market, contacts),
        channel=chosen,
        entries=story(incident, compensations, messages),
        rail=rail_of(incident.customer, contacts),
        can_work=can_work,
    )


def people_who_work(desk: Desk, market: Market) -> list[Staff]:
    """Who may own a case or a promise in the market."""
    return list(
        visible_staff(desk.staff)
        .filter(
            is_active=True,
            role_grants__market=market,
            role_grants__role__in=[Role.AGENT, Role.SUPERVISOR],
            role_grants__ended_at=None,
        )
        .distinct()
        .order_by(Fold("name"))[:300]
    )
