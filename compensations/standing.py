"""Where people and teams stand against their limits: which holds, whence it comes, what is left.

Which limit meets an act is asked of `limits.limits_for`, the same that a grant asks.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from accounts.models import Market, RoleGrant, Staff, Team
from audit.models import AuditEvent
from common.windows import local_date, window_end, window_start

from . import limits
from .limit_words import cap_words, quantity, source_words, target_words, window_words
from .limits import ALWAYS, NEAR_PERCENT, Applicable, Key, Room, used_in
from .models import IssuanceLimit
from .states import LimitScope, LimitState, LimitWindow, Measure

OWN = frozenset({LimitScope.GRANT, LimitScope.AGENT})


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit as it holds for one person, team or market now."""

    room: Room
    # What it stands in place of, if anything; a narrower target replaces a wider one.
    instead_of: IssuanceLimit | None = None
    # The last local date of the window; None for one that never turns.
    until: dt.date | None = None

    @property
    def limit(self) -> IssuanceLimit:
        return self.room.limit

    @property
    def percent(self) -> int:
        return self.room.percent

    @property
    def counts(self) -> bool:
        """Whether something is counted; a single grant is only compared."""
        return self.limit.scope != LimitScope.GRANT

    @property
    def is_full(self) -> bool:
        return self.counts and self.room.left == 0

    @property
    def is_near(self) -> bool:
        return self.counts and self.percent >= NEAR_PERCENT

    @property
    def tone(self) -> str:
        return self.room.tone if self.counts else ""

    @property
    def cap(self) -> str:
        return cap_words(self.limit)

    @property
    def most(self) -> str:
        """The cap without its window."""
        return quantity(self.limit, self.room.cap)

    @property
    def used(self) -> str:
        return quantity(self.limit, self.room.used)

    @property
    def left(self) -> str:
        return quantity(self.limit, self.room.left)

    @property
    def window(self) -> str:
        return window_words(self.limit.window, self.limit.measure)

    @property
    def source(self) -> str:
        return source_words(self.limit)

    @property
    def target(self) -> str:
        return target_words(self.limit)


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """A person with the limits that are theirs alone, the most used first."""

    staff: Staff
    role: str
    single: Standing | None
    counted: list[Standing] = field(default_factory=list)

    @property
    def tightest(self) -> Standing | None:
        return self.counted[0] if self.counted else None

    @property
    def own(self) -> int:
        """How many of them stand in place of a general one, for this person."""
        rows = [self.single, *self.counted] if self.single else self.counted
        return sum(1 for row in rows if row.limit.for_staff_id is not None)


def in_force(market: Market) -> list[IssuanceLimit]:
    """Every limit of the market that holds now, with its target."""
    return list(
        IssuanceLimit.objects.filter(market=market, state=LimitState.IN_FORCE)
        .select_related("market", "for_staff", "for_team")
        .order_by("pk")
    )


def _until(limit: IssuanceLimit, starts_on: dt.date) -> dt.date | None:
    if limit.window == LimitWindow.EACH:
        return None
    return window_end(limit.window, starts_on) - dt.timedelta(days=1)


def _wider(limit: IssuanceLimit, among: Iterable[IssuanceLimit], role: str) -> IssuanceLimit | None:
    """The limit that would hold if this one did not; it has no target, or the role alone."""
    if limit.for_staff_id is None and limit.for_team_id is None and not limit.for_role:
        return None
    same = [
        row
        for row in among
        if (row.scope, row.window, row.measure) == (limit.scope, limit.window, limit.measure)
        and row.pk != limit.pk
        and row.for_staff_id is None
        and row.for_team_id is None
        and not row.for_segment
        and row.for_role in ({"", role} if limit.for_staff_id else {""})
    ]
    return max(same, key=lambda row: bool(row.for_role), default=None)


def standings_of(staff: Staff, market: Market) -> list[Standing]:
    """Every limit that a goodwill grant by the person would meet now, tightest amounts first.

    Those of a case and of a customer are met with nothing used: they depend on whom it is for.
    """
    rows = in_force(market)
    known = {row.pk: row for row in rows}
    applicable = limits.limits_for(market=market, staff=staff, in_force=list(known))
    starts = {key.limit.pk: key.starts_on for key in applicable.keys}
    role = limits.acting_role(staff, market)
    return [
        Standing(
            Room(known[room.limit.pk], room.used),
            _wider(known[room.limit.pk], rows, role),
            _until(room.limit, starts.get(room.limit.pk, ALWAYS)),
        )
        for room in limits.rooms(applicable)
    ]


def people_standings(people: Sequence[Staff], market: Market) -> list[PersonStanding]:
    """Where each person stands, whoever has used most of a limit of theirs first.

    A fixed number of queries for any number of people.
    """
    _read_roles(people, market)
    rows = in_force(market)
    known = {row.pk: row for row in rows}
    found: list[tuple[Staff, Applicable]] = [
        (one, limits.limits_for(market=market, staff=one, in_force=list(known))) for one in people
    ]
    keys = [key for _one, met in found for key in met.keys if key.limit.scope == LimitScope.AGENT]
    used = used_in([key.counter for key in keys])
    standings = []
    for staff, met in found:
        role = limits.acting_role(staff, market)
        counted = [
            Standing(
                Room(known[key.limit.pk], used.get(key.counter, 0)),
                _wider(known[key.limit.pk], rows, role),
                _until(key.limit, key.starts_on),
            )
            for key in met.keys
            if key.limit.scope == LimitScope.AGENT
        ]
        counted.sort(key=lambda row: (-row.percent, row.limit.measure != Measure.AMOUNT))
        single = next(
            (
                Standing(Room(known[limit.pk], 0), _wider(known[limit.pk], rows, role))
                for limit in met.single
            ),
            None,
        )
        standings.append(PersonStanding(staff, role, single, counted))
    return sorted(
        standings,
        key=lambda row: (-(row.tightest.percent if row.tightest else -1), row.staff.name),
    )


def _read_roles(people: Sequence[Staff], market: Market) -> None:
    """Fills each person's roles from one read; only those of this market are asked for here."""
    held: dict[object, set[str]] = {one.pk: set() for one in people}
    for staff_id, role in RoleGrant.objects.filter(
        staff__in=list(held), market=market, ended_at=None
    ).values_list("staff_id", "role"):
        held[staff_id].add(role)
    for one in people:
        one.role_map = {market.pk: frozenset(held[one.pk])}


def _current(
    market: Market, chosen: Iterable[tuple[IssuanceLimit, str]]
) -> list[tuple[Room, dt.date | None]]:
    """The room of each limit for a subject in its present window."""
    today = local_date(timezone.now(), market.time_zone)
    keys = [
        Key(
            limit,
            subject,
            ALWAYS if limit.window == LimitWindow.EACH else window_start(limit.window, today),
        )
        for limit, subject in chosen
    ]
    used = used_in([key.counter for key in keys])
    return [
        (
            Room(key.limit, used.get(key.counter, 0)),
            _until(key.limit, key.starts_on),
        )
        for key in keys
    ]


@dataclass(frozen=True, slots=True)
class TeamStanding:
    team: Team
    budgets: list[Standing]


def team_standings(teams: Sequence[Team], market: Market) -> list[TeamStanding]:
    """Each team's budgets in their present windows."""
    rows = [row for row in in_force(market) if row.scope == LimitScope.TEAM]
    chosen: list[tuple[Team, IssuanceLimit, IssuanceLimit | None]] = []
    for team in teams:
        for row in rows:
            if row.for_team_id == team.pk:
                chosen.append((team, row, _wider(row, rows, "")))
            elif row.for_team_id is None and not any(
                own.for_team_id == team.pk
                and (own.window, own.measure) == (row.window, row.measure)
                for own in rows
            ):
                chosen.append((team, row, None))
    rooms = _current(market, [(row, str(team.pk)) for team, row, _wide in chosen])
    found: dict[int, list[Standing]] = {team.pk: [] for team in teams}
    for (team, _row, wide), (room, until) in zip(chosen, rooms, strict=True):
        found[team.pk].append(Standing(room, wide, until))
    return [TeamStanding(team, found[team.pk]) for team in teams]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit for everybody or for a role or segment, and what is used where one counter says it.

    `apart` are the limits that stand in its place for a person or team.
    """

    limit: IssuanceLimit
    standing: Standing | None
    apart: list[IssuanceLimit]

    @property
    def cap(self) -> str:
        return cap_words(self.limit)

    @property
    def target(self) -> str:
        return target_words(self.limit)

    @property
    def window(self) -> str:
        """Empty for a single grant, which has none."""
        if self.limit.scope == LimitScope.GRANT:
            return ""
        return window_words(self.limit.window, self.limit.measure)


def bounds(market: Market) -> list[tuple[str, list[Bound]]]:
    """The market's general limits and those of roles and segments, by scope."""
    rows = in_force(market)
    general = [row for row in rows if row.for_staff_id is None and row.for_team_id is None]
    single = [(row, _sole_subject(row, market)) for row in general]
    rooms = iter(_current(market, [(row, subject) for row, subject in single if subject]))
    found: dict[str, list[Bound]] = {scope.value: [] for scope in LimitScope}
    for row, subject in single:
        standing = None
        if subject:
            room, until = next(rooms)
            standing = Standing(room, None, until)
        apart = [
            other
            for other in rows
            if (other.for_staff_id or other.for_team_id)
            and (other.scope, other.window, other.measure) == (row.scope, row.window, row.measure)
            and not row.for_role
            and not row.for_segment
        ]
        found[row.scope].append(Bound(row, standing, apart))
    order = list(LimitWindow.values)
    for rows_of in found.values():
        rows_of.sort(key=lambda one: (order.index(one.limit.window), one.limit.measure, one.target))
    return [(scope, rows_of) for scope, rows_of in found.items() if rows_of]


def _sole_subject(limit: IssuanceLimit, market: Market) -> str:
    """Whose counter a limit has when it has only one; empty otherwise."""
    if limit.scope == LimitScope.MARKET:
        return str(market.pk)
    if limit.scope == LimitScope.ROLE:
        return limit.for_role
    return ""


def compared_with(limit: IssuanceLimit, among: Sequence[IssuanceLimit]) -> IssuanceLimit | None:
    """What holds now where a proposal would: what it replaces, or the wider one of its kind."""
    for row in among:
        if (
            row.scope,
            row.window,
            row.measure,
            row.for_staff_id,
            row.for_team_id,
            row.for_role,
            row.for_segment,
        ) == (
            limit.scope,
            limit.window,
            limit.measure,
            limit.for_staff_id,
            limit.for_team_id,
            limit.for_role,
            limit.for_segment,
        ):
            return row
    role = limit.for_role
    if limit.for_staff is not None:
        role = limits.acting_role(limit.for_staff, limit.market)
    if limit.for_segment:
        return next(
            (
                row
                for row in among
                if (row.scope, row.window, row.measure)
                == (limit.scope, limit.window, limit.measure)
                and not row.for_segment
            ),
            None,
        )
    return _wider(limit, among, role)


def history_of(limit: IssuanceLimit) -> list[IssuanceLimit]:
    """Every limit there ever was for the same target and kind, the newest first."""
    return list(
        IssuanceLimit.objects.filter(
            market=limit.market,
            scope=limit.scope,
            window=limit.window,
            measure=limit.measure,
            for_staff=limit.for_staff,
            for_team=limit.for_team,
            for_role=limit.for_role,
            for_segment=limit.for_segment,
        )
        .select_related("market", "proposed_by", "decided_by", "ended_by", "for_staff", "for_team")
        .order_by("-proposed_at", "-pk")
    )


def ending_reasons(past: Sequence[IssuanceLimit]) -> dict[int, str]:
    """Why limits were rejected or lifted, by id; the trail alone keeps it."""
    rows = AuditEvent.objects.filter(
        object_kind="limit",
        object_id__in=[str(row.pk) for row in past],
        act__in=["limit.rejected", "limit.retired"],
    ).values_list("object_id", "reason")
    return {int(key): reason for key, reason in rows}
