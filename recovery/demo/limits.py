"""Issuance limits of the demo company, and the counters that its past has filled.

Which limits meet an act is asked of `compensations.limits`, once for each person and segment; what
is kept here is only how much the past has used of each, so that no counter ever exceeds its cap.
"""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from accounts.models import Staff
from accounts.states import Role
from audit.actions import Actor
from common.windows import local_date, window_start
from compensations.limits import ALWAYS, Applicable, CounterKey, limits_for
from compensations.models import IssuanceLimit, LimitCounter, LimitUse
from compensations.states import LimitScope, LimitState, LimitWindow, Measure
from incidents.models import Customer, Incident
from incidents.states import Segment

from .company import DemoMarket, Person
from .ids import HistoricIds
from .loading import Batch
from .scales import LIVE_DAYS
from .trail import Trail

if TYPE_CHECKING:
    from .grants import Case

# Days before now: when limits were set for the live scale, and when the agents' day was widened
# before anything was used of it. Under the first scale there were none.
FIRST_DAYS, RAISED_DAYS = LIVE_DAYS + 3, LIVE_DAYS + 1
DECIDES = dt.timedelta(hours=5)
HUNDREDTHS = 100
AMOUNT, COUNT = Measure.AMOUNT, Measure.COUNT
EACH, DAY, WEEK, MONTH = (
    LimitWindow.EACH,
    LimitWindow.DAY,
    LimitWindow.WEEK,
    LimitWindow.MONTH,
)


class Line(NamedTuple):
    """One limit: caps in whole units (or a count) by market, and whom it is for."""

    scope: LimitScope
    window: LimitWindow
    measure: Measure
    MX: int
    CO: int
    for_role: str = ""
    for_segment: str = ""

    @property
    def kind(self) -> tuple[LimitScope, LimitWindow, Measure]:
        return self.scope, self.window, self.measure


GENERAL = (
    Line(LimitScope.GRANT, EACH, AMOUNT, 3_000, 70_000),
    Line(LimitScope.GRANT, EACH, AMOUNT, 4_500, 100_000, for_role=Role.SUPERVISOR),
    Line(LimitScope.AGENT, DAY, AMOUNT, 20_000, 500_000),
    Line(LimitScope.AGENT, DAY, COUNT, 40, 60),
    Line(LimitScope.AGENT, WEEK, AMOUNT, 60_000, 1_500_000),
    Line(LimitScope.AGENT, MONTH, AMOUNT, 180_000, 4_500_000),
    Line(LimitScope.ROLE, DAY, AMOUNT, 140_000, 4_000_000, for_role=Role.AGENT),
    Line(LimitScope.ROLE, DAY, AMOUNT, 60_000, 1_500_000, for_role=Role.SUPERVISOR),
    Line(LimitScope.TEAM, MONTH, AMOUNT, 600_000, 16_000_000),
    Line(LimitScope.MARKET, DAY, AMOUNT, 180_000, 5_000_000),
    Line(LimitScope.MARKET, MONTH, AMOUNT, 2_000_000, 48_000_000),
    Line(LimitScope.CUSTOMER, MONTH, AMOUNT, 9_000, 180_000),
    Line(LimitScope.CUSTOMER, MONTH, AMOUNT, 20_000, 360_000, for_segment=Segment.VIP),
    Line(LimitScope.CUSTOMER, MONTH, COUNT, 4, 5),
    Line(LimitScope.INCIDENT, EACH, AMOUNT, 7_000, 160_000),
    Line(LimitScope.INCIDENT, EACH, COUNT, 3, 3),
)
AGENT_DAY = (LimitScope.AGENT, DAY, AMOUNT)
# The agents' day before it was raised, and the cap of a newcomer's single grant.
BEFORE_RAISE = {"MX": 12_000, "CO": 300_000}
NEWCOMER = {"MX": ("simon", 1_200), "CO": ("keila", 30_000)}
WANTED = {"MX": ("oscar", 26_000), "CO": ("jaider", 650_000)}

REASON = "Entra en vigor con la segunda escala; presupuesto aprobado para el año."
RAISE_REASON = "Con el tope anterior, la simulación detenía turnos de fin de semana."
NEWCOMER_REASON = "Primer trimestre en el puesto: tope menor por compensación."
WANTED_REASON = "Cubre dos turnos los fines de semana."


class Limits:
    """Inserts the limits of one market."""

    def __init__(self, market: DemoMarket, *, now: dt.datetime, trail: Trail) -> None:
        self.market = market
        self.now = now
        self.trail = trail

    def insert(self) -> None:
        """Limits in force for every scope, one that was replaced, and one that waits."""
        first, second = self.market.finance
        began = self.now - dt.timedelta(days=FIRST_DAYS)
        raised = self.now - dt.timedelta(days=RAISED_DAYS)
        old = self._limit(
            AGENT_DAY,
            BEFORE_RAISE[self.market.code],
            began,
            REASON,
            state=LimitState.RETIRED,
            by=first,
            decided_by=second,
        )
        old.ended_at = raised + DECIDES
        old.ended_by = second.staff
        old.save(force_insert=True)
        rows = [old]
        for line in GENERAL:
            replaces = line.kind == AGENT_DAY
            rows.append(
                self._limit(
                    line.kind,
                    line.MX if self.market.code == "MX" else line.CO,
                    raised if replaces else began,
                    RAISE_REASON if replaces else REASON,
                    by=first,
                    decided_by=second,
                    replaces=old if replaces else None,
                    for_role=line.for_role,
                    for_segment=line.for_segment,
                )
            )
        for (username, cap), scope, reason, state in (
            (
                NEWCOMER[self.market.code],
                (LimitScope.GRANT, EACH, AMOUNT),
                NEWCOMER_REASON,
                LimitState.IN_FORCE,
            ),
            (
                WANTED[self.market.code],
                AGENT_DAY,
                WANTED_REASON,
                LimitState.PROPOSED,
            ),
        ):
            staff = next(one.staff for one in self.market.agents if one.staff.username == username)
            assert staff.team_id is not None
            lead = self.market.team_lead[staff.team_id]
            proposed = state == LimitState.PROPOSED
            rows.append(
                self._limit(
                    scope,
                    cap,
                    self.now - dt.timedelta(hours=20) if proposed else began,
                    reason,
                    state=state,
                    by=lead,
                    decided_by=None if proposed else second,
                    for_staff=staff,
                )
            )
        IssuanceLimit.objects.bulk_create(rows[1:])
        people = {one.staff.pk: one for one in self.market.team_lead.values()}
        for limit in rows:
            self._trail(limit, people.get(limit.proposed_by_id, first), second)

    def _limit(
        self,
        kind: tuple[LimitScope, LimitWindow, Measure],
        cap: int,
        at: dt.datetime,
        reason: str,
        *,
        by: Person,
        decided_by: Person | None,
        state: LimitState = LimitState.IN_FORCE,
        replaces: IssuanceLimit | None = None,
        for_staff: Staff | None = None,
        for_role: str = "",
        for_segment: str = "",
    ) -> IssuanceLimit:
        scope, window, measure = kind
        return IssuanceLimit(
            market=self.market.row,
            scope=scope,
            window=window,
            measure=measure,
            cap=cap * HUNDREDTHS if measure == AMOUNT else cap,
            for_staff=for_staff,
            for_role=for_role,
            for_segment=for_segment,
            state=state,
            replaces=replaces,
            reason=reason,
            proposed_at=at,
            proposed_by=by.staff,
            decided_at=at + DECIDES if decided_by else None,
            decided_by=decided_by.staff if decided_by else None,
        )

    def _trail(self, limit: IssuanceLimit, by: Person, decided_by: Person) -> None:
        replaced = limit.replaces.cap if limit.replaces else None
        steps: list[tuple[dt.datetime, str, Actor, str, str]] = [
            (limit.proposed_at, "proposed", by.actor, "", LimitState.PROPOSED.value)
        ]
        if limit.decided_at is not None:
            steps.append(
                (
                    limit.decided_at,
                    "confirmed",
                    decided_by.actor,
                    LimitState.PROPOSED.value,
                    LimitState.IN_FORCE.value,
                )
            )
        for at, act, actor, before, after in steps:
            self.trail.add(
                at,
                f"limit.{act}",
                actor,
                "limit",
                limit.pk,
                about=limit.for_staff_id or "",
                market=self.market.code,
                before={"state": before, "cap": replaced},
                after={
                    "state": after,
                    "cap": limit.cap,
                    "scope": str(limit.scope),
                    "window": str(limit.window),
                    "measure": str(limit.measure),
                },
                reason=limit.reason,
            )


@dataclass(slots=True)
class Use:
    """What one compensation took in one act, by counter."""

    compensation: uuid.UUID
    taken: list[tuple[CounterKey, int]]
    released_at: dt.datetime | None = None


class Counters:
    """How much of every limit one market's past has used."""

    def __init__(self, market: DemoMarket, *, ids: HistoricIds, now: dt.datetime) -> None:
        self.market = market
        self._customer = ids.at(now)
        self._known: dict[tuple[uuid.UUID, str, str], Applicable] = {}
        self._used: Counter[CounterKey] = Counter()
        self._uses: list[Use] = []
        self._of: dict[uuid.UUID, list[Use]] = defaultdict(list)

    def applicable(self, person: Person, segment: str = "", role: str = "") -> Applicable:
        """The limits that a person's grant meets, in the role in which they give it."""
        key = (person.staff.pk, segment, role)
        if key not in self._known:
            self._known[key] = limits_for(
                market=self.market.row,
                staff=person.staff,
                customer=Customer(pk=self._customer, segment=segment),
                incident=Incident(pk=self._customer),
                role=role or None,
            )
        return self._known[key]

    def take(
        self,
        compensation: uuid.UUID,
        minor: int,
        case: "Case",
        at: dt.datetime,
        *,
        by: Person | None = None,
        part: str = "",
        role: str = "",
    ) -> bool:
        """Takes the room where every limit still has it; says whether it did.

        `by` is who acts, the case's agent when it is left out; `part` is "shared" for what a
        request reserves and "personal" for a decider's authority.
        """
        applicable = self.applicable(by or case.agent, case.customer.segment, role)
        if part:
            applicable = applicable.shared() if part == "shared" else applicable.personal()
        wanted = self._wanted(applicable, minor, case, at)
        if wanted is None:
            return False
        for counter, quantity in wanted:
            self._used[counter] += quantity
        if wanted:
            use = Use(compensation, wanted)
            self._uses.append(use)
            self._of[compensation].append(use)
        return True

    def has_shared_room(self, minor: int, case: "Case", at: dt.datetime) -> bool:
        """Whether a request could reserve `minor`."""
        shared = self.applicable(case.agent, case.customer.segment).shared()
        return self._wanted(shared, minor, case, at) is not None

    def _wanted(
        self, applicable: Applicable, minor: int, case: "Case", at: dt.datetime
    ) -> list[tuple[CounterKey, int]] | None:
        """How much to take from which counter; None where some limit has not that much left."""
        if any(minor > limit.cap for limit in applicable.single):
            return None
        today = local_date(at, self.market.row.time_zone)
        own = {LimitScope.CUSTOMER: str(case.customer_id), LimitScope.INCIDENT: str(case.id)}
        wanted = []
        for key in applicable.keys:
            limit = key.limit
            start = (
                ALWAYS if limit.window == LimitWindow.EACH else window_start(limit.window, today)
            )
            subject = own.get(LimitScope(limit.scope), key.subject)
            quantity = minor if limit.measure == Measure.AMOUNT else 1
            counter = (limit.counts_in_id, subject, start)
            if self._used[counter] + quantity > limit.cap:
                return None
            wanted.append((counter, quantity))
        return wanted

    def give_back(self, compensation: uuid.UUID, at: dt.datetime) -> None:
        """Restores the room of a voided compensation."""
        for use in self._of.pop(compensation, []):
            use.released_at = at
            self._used.subtract(dict(use.taken))

    def load(self) -> int:
        """Inserts counters and uses; returns how many rows."""
        counters = Batch(LimitCounter, "limit_id subject starts_on used")
        for counter, used in self._used.items():
            counters.add(*counter, used)
        uses = Batch(LimitUse, "compensation_id limits subjects starts_on quantities released_at")
        for use in self._uses:
            lists = zip(*[(*counter, quantity) for counter, quantity in use.taken], strict=True)
            uses.add(use.compensation, *map(list, lists), use.released_at)
        return counters.load() + uses.load()
