"""Issuance limits at work: which apply, how much room is left, and how a full one refuses."""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Market, Staff
from accounts.states import Role
from common.errors import Refusal
from common.money import format_money
from common.prepared import prepared
from common.windows import local_date, window_start
from incidents.models import Customer, Incident

from .models import IssuanceLimit, LimitCounter
from .refusals import LimitExceeded
from .states import LimitScope, LimitState, LimitWindow, Measure

# What bounds a person who decides alone; a request passes these. The others hold for everybody.
PERSONAL = frozenset({LimitScope.GRANT, LimitScope.AGENT, LimitScope.ROLE})
# A window that never turns starts here.
ALWAYS = dt.date(1970, 1, 1)
# From this share of a limit on, whoever it bounds is near it.
NEAR_PERCENT = 80
# From the least to the most shared: the order in which counters are locked.
RANK = {
    LimitScope.INCIDENT: 0,
    LimitScope.CUSTOMER: 1,
    LimitScope.AGENT: 2,
    LimitScope.TEAM: 3,
    LimitScope.ROLE: 4,
    LimitScope.MARKET: 5,
}
NAMES: dict[str, Promise] = {
    "grant": gettext_lazy("limit of one grant"),
    "agent": gettext_lazy("your own limit"),
    "role": gettext_lazy("limit of your role"),
    "team": gettext_lazy("team budget"),
    "market": gettext_lazy("market limit"),
    "customer": gettext_lazy("limit of this customer"),
    "incident": gettext_lazy("limit of this case"),
}
WINDOWS: dict[str, Promise] = {
    "each": gettext_lazy("in all"),
    "day": gettext_lazy("today"),
    "week": gettext_lazy("this week"),
    "month": gettext_lazy("this month"),
}


# The first limit of its kind, the subject and the window's first date, which make one counter.
CounterKey = tuple[int, str, dt.date]


class Key(NamedTuple):
    """One limit as it applies to one act: whose counter, and which window of it."""

    limit: IssuanceLimit
    subject: str
    starts_on: dt.date
    # Whose use counts as well: the other customers who share a contact.
    others: tuple[str, ...] = ()

    @property
    def counter(self) -> CounterKey:
        return self.limit.counts_in_id, self.subject, self.starts_on


@dataclass(frozen=True, slots=True)
class Room:
    """What a limit leaves: minor units for an amount, compensations for a count."""

    limit: IssuanceLimit
    used: int
    # How much of `used` is other customers' who share a contact.
    others_used: int = 0

    @property
    def cap(self) -> int:
        return self.limit.cap

    @property
    def left(self) -> int:
        return max(self.limit.cap - self.used, 0)

    @property
    def percent(self) -> int:
        """How much of the cap is used, at most 100; a cap of nothing is used up."""
        return min(100 * self.used // self.cap, 100) if self.cap else 100

    @property
    def tone(self) -> str:
        """How a bar of what is used looks: near its end, or at it."""
        return "critical" if not self.left else "moderate" if self.percent >= NEAR_PERCENT else ""

    @property
    def scope(self) -> str:
        return self.limit.scope

    @property
    def window(self) -> str:
        return self.limit.window

    @property
    def measure(self) -> str:
        return self.limit.measure

    @property
    def is_personal(self) -> bool:
        """Whether it bounds only what one person decides alone."""
        return self.limit.scope in PERSONAL

    @property
    def name(self) -> str:
        """`your own limit today`, in the reader's language."""
        if self.limit.scope == LimitScope.GRANT:
            return str(NAMES[self.limit.scope])
        return f"{NAMES[self.limit.scope]} {WINDOWS[self.limit.window]}"

    def holds(self, minor: int) -> bool:
        """Whether a grant of `minor` still fits."""
        return self.left >= (minor if self.limit.measure == Measure.AMOUNT else 1)


def acting_role(staff: Staff, market: Market) -> str:
    """The role in which a person grants: agent where held, else supervisor."""
    return Role.AGENT if staff.has_role(market, Role.AGENT) else Role.SUPERVISOR


@lru_cache(maxsize=10_000)
def limit_of(limit_id: int) -> IssuanceLimit:
    """A limit by id, kept in memory: only its state ever changes, and that is asked each time."""
    return IssuanceLimit.objects.get(pk=limit_id)


def _in_force(market: Market) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            prepared(
                cursor,
                "SELECT id FROM compensations_issuancelimit WHERE market_id = %s AND state = %s",
            ),
            [market.pk, LimitState.IN_FORCE.value],
        )
        return [pk for (pk,) in cursor.fetchall()]


@lru_cache(maxsize=10_000)
def _applicable(
    in_force: tuple[int, ...], staff_id: uuid.UUID, team_id: int | None, role: str, segment: str
) -> tuple[IssuanceLimit, ...]:
    """Of these limits those that bound the act, in the order in which their counters are locked;
    one with a target replaces the general one of its kind. Kept in memory, as limits never change:
    what is in force is asked each time."""
    found = [limit_of(pk) for pk in in_force]
    found = [
        limit
        for limit in found
        if limit.for_staff_id in {None, staff_id}
        and limit.for_team_id in {None, team_id}
        and limit.for_role in {"", role}
        and limit.for_segment in {"", segment}
        and (role != Role.FINANCE or limit.scope not in PERSONAL or _is_targeted(limit))
    ]
    best: dict[tuple[str, str, str], tuple[int, IssuanceLimit]] = {}
    for limit in found:
        weight = (
            8 * (limit.for_staff_id is not None)
            + 4 * (limit.for_team_id is not None)
            + 2 * (limit.for_role != "")
            + (limit.for_segment != "")
        )
        key = (limit.scope, limit.window, limit.measure)
        if key not in best or weight > best[key][0]:
            best[key] = (weight, limit)
    return tuple(sorted((limit for _weight, limit in best.values()), key=_rank))


def _rank(limit: IssuanceLimit) -> tuple[int, int]:
    # What bounds a single grant has no counter.
    return RANK.get(LimitScope(limit.scope), -1), limit.counts_in_id


def _is_targeted(limit: IssuanceLimit) -> bool:
    """Whether it names a person or a role: only such a limit bounds what finance decides."""
    return limit.for_staff_id is not None or limit.for_role != ""


def _subject(
    limit: IssuanceLimit,
    market: Market,
    staff: Staff,
    role: str,
    customer: Customer | None,
    incident: Incident | None,
) -> str | None:
    """Whose counter the limit uses here; None when it has none on this act."""
    subject: object = None
    match limit.scope:
        case LimitScope.AGENT:
            subject = staff.pk
        case LimitScope.ROLE:
            subject = role
        case LimitScope.TEAM:
            subject = staff.team_id
        case LimitScope.MARKET:
            subject = market.pk
        case LimitScope.CUSTOMER:
            subject = customer.pk if customer else None
        case LimitScope.INCIDENT:
            subject = incident.pk if incident else None
    return None if subject is None else str(subject)


@dataclass(frozen=True, slots=True)
class Applicable:
    """Every limit of one act: those with a counter, and the bounds of a single grant."""

    keys: Sequence[Key]
    single: Sequence[IssuanceLimit]

    def shared(self) -> "Applicable":
        """Those that hold for everybody: what a request reserves from."""
        return Applicable([key for key in self.keys if key.limit.scope not in PERSONAL], ())

    def counts_customer(self) -> bool:
        """Whether some limit bounds what one customer is given."""
        return any(key.limit.scope == LimitScope.CUSTOMER for key in self.keys)

    def together_with(self, customers: Collection[uuid.UUID]) -> "Applicable":
        """The same limits, those of the customer counting for these others too.

        In a write the contacts that they share are locked (`locking`), so that none of them is
        granted anything until the commit.
        """
        if not customers:
            return self
        others = tuple(sorted(str(pk) for pk in customers))
        return Applicable(
            [
                key._replace(others=others) if key.limit.scope == LimitScope.CUSTOMER else key
                for key in self.keys
            ],
            self.single,
        )

    def personal(self) -> "Applicable":
        """Those that bound what one person decides alone: their authority."""
        return Applicable([key for key in self.keys if key.limit.scope in PERSONAL], self.single)


# What an act meets that no limit counts.
NONE = Applicable((), ())


def limits_for(
    *,
    market: Market,
    staff: Staff,
    customer: Customer | None = None,
    incident: Incident | None = None,
    at: dt.datetime | None = None,
    in_force: Sequence[int] | None = None,
    role: str | None = None,
) -> Applicable:
    """The limits that a goodwill grant by `staff` would meet at an aware moment (now).

    `role` is that in which the person acts, the one in which they grant when it is left out.
    `in_force` are the ids of the market's limits for a caller that has just read them.
    """
    today = local_date(at or timezone.now(), market.time_zone)
    role = role or acting_role(staff, market)
    keys = []
    single = []
    ids = tuple(_in_force(market) if in_force is None else in_force)
    segment = customer.segment if customer else ""
    for limit in _applicable(ids, staff.pk, staff.team_id, role, segment):
        if limit.scope == LimitScope.GRANT:
            single.append(limit)
            continue
        subject = _subject(limit, market, staff, role, customer, incident)
        if subject is None:
            # A case that is not saved yet has used nothing.
            if limit.scope not in {LimitScope.INCIDENT, LimitScope.CUSTOMER}:
                continue
            subject = ""
        start = ALWAYS if limit.window == LimitWindow.EACH else window_start(limit.window, today)
        keys.append(Key(limit, subject, start))
    return Applicable(keys, single)


def used_in(counters: Collection[CounterKey]) -> dict[CounterKey, int]:
    """What these counters hold; one that is not here holds nothing."""
    rows = LimitCounter.objects.filter(
        limit__in={limit for limit, _subject, _start in counters},
        subject__in={subject for _limit, subject, _start in counters},
        starts_on__in={start for _limit, _subject, start in counters},
    )
    return {row[:3]: row[3] for row in rows.values_list("limit_id", "subject", "starts_on", "used")}


def rooms(applicable: Applicable) -> list[Room]:
    """The room each limit leaves, single grants included; the tightest amount first."""
    used = used_in([key.counter for key in applicable.keys]) if applicable.keys else {}
    elsewhere = used_by_others(applicable.keys)
    found = [Room(limit, 0) for limit in applicable.single]
    for key in applicable.keys:
        others = elsewhere.get(key.limit.pk, 0)
        found.append(Room(key.limit, used.get(key.counter, 0) + others, others))
    return sorted(found, key=lambda room: (room.measure != Measure.AMOUNT, room.left))


def used_by_others(keys: Sequence[Key]) -> dict[int, int]:
    """By limit's id what the others of its key used in the same window; empty where none are."""
    shared = [key for key in keys if key.others]
    if not shared:
        return {}
    used = used_in(
        [
            (limit, other, start)
            for key in shared
            for limit, _own, start in [key.counter]
            for other in key.others
        ]
    )
    return {
        key.limit.pk: sum(
            used.get((key.limit.counts_in_id, other, key.starts_on), 0) for other in key.others
        )
        for key in shared
    }


# How a limit that does not hold an amount in minor units is refused.
Refusing = Callable[[Room, int, Market], Refusal]


def blocking(found: Sequence[Room], minor: int) -> list[Room]:
    """The rooms that do not hold `minor`, those that bound everybody first."""
    return sorted((room for room in found if not room.holds(minor)), key=lambda r: r.is_personal)


def exceeded(
    room: Room, minor: int, market: Market, *, least_minor: int | None = None
) -> LimitExceeded:
    """The refusal in words: which limit, what it leaves, what this needs, what to do.

    `least_minor` is the least that the offer can be: where not even that fits, there is no amount
    to choose.
    """
    nothing_fits = least_minor is not None and room.left < least_minor
    values = {
        "limit": capfirst(room.name),
        "left": format_money(room.left, market.currency, market.locale),
        "needed": format_money(minor, market.currency, market.locale),
        "least": format_money(least_minor or 0, market.currency, market.locale),
        "cap": room.cap,
    }
    if room.measure == Measure.AMOUNT and nothing_fits and room.is_personal:
        message = _(
            "%(limit)s leaves %(left)s and this offer needs at least %(least)s: it does not fit. "
            "Ask for approval or choose another offer."
        )
    elif room.measure == Measure.AMOUNT and nothing_fits:
        message = _(
            "%(limit)s leaves %(left)s and this offer needs at least %(least)s: it does not fit. "
            "Choose another offer; only finance raises this limit, and it takes two people."
        )
    elif room.measure == Measure.AMOUNT and room.is_personal:
        message = _(
            "%(limit)s leaves %(left)s and this needs %(needed)s. "
            "Choose up to %(left)s, another offer, or ask for approval."
        )
    elif room.measure == Measure.AMOUNT:
        message = _(
            "%(limit)s leaves %(left)s and this needs %(needed)s. "
            "Choose up to %(left)s or another offer; only finance raises this limit, "
            "and it takes two people."
        )
    elif room.is_personal:
        message = _("%(limit)s is used up: %(cap)s compensations. Ask for approval.")
    else:
        message = _(
            "%(limit)s is used up: %(cap)s compensations. "
            "Only finance raises this limit, and it takes two people. Promise a call meanwhile."
        )
    text = message % values
    if room.others_used:
        # Customers of the same market, whom whoever grants here may read.
        others: int | str = room.others_used
        if room.measure == Measure.AMOUNT:
            others = format_money(room.others_used, market.currency, market.locale)
        note = _("What other customers with the same phone or email got counts here: %(others)s.")
        text = f"{text} {note % {'others': others}}"
    # `request` says whether an approval passes this limit.
    extra = {**facts_of(room, market), "request": room.is_personal}
    return LimitExceeded(text, field="amount_minor", extra=extra)


def facts_of(room: Room, market: Market) -> dict[str, object]:
    """A limit's numbers for a refusal: minor units, or compensations."""
    return {
        "scope": room.scope,
        "window": room.window,
        "measure": room.measure,
        "cap": room.cap,
        "used": room.used,
        "left": room.left,
        "currency": market.currency,
    }
