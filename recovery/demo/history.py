"""The cases of ninety days and of today: logged, recovered, resolved, or still open now.

A case's life is drawn step by step; a step that would lie after now has not happened yet, which is
what leaves cases open. Then every agent gets a handful of today's own.
"""

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import Location
from common.windows import day_bounds, local_date
from compensations.approvals import FINANCE_LEVEL, SUPERVISOR_LEVEL
from compensations.states import OfferKind
from incidents.clocks import due
from incidents.states import (
    ContactChannel,
    IncidentKind,
    IncidentState,
    PromiseKind,
    PromiseState,
    Severity,
    Step,
)

from .company import DemoMarket, Person
from .customers import Customers, DemoCustomer
from .grants import Case, Grants
from .ids import HistoricIds
from .requests import Requests
from .rhythm import Wheel, minutes
from .stories import Stories, Story
from .tables import Tables
from .trail import Trail

CHANNELS = {
    "hotel": {"counter": 42, "phone": 27, "email": 12, "whatsapp": 10, "social": 5, "web": 4},
    "delivery": {"chat": 48, "phone": 18, "whatsapp": 16, "email": 8, "social": 6, "web": 4},
}
# Chance that a case is compensated, minutes until then and until it is resolved, by severity.
COMPENSATED = {Severity.MINOR: 0.55, Severity.MODERATE: 0.82, Severity.CRITICAL: 0.95}
TO_COMPENSATE = {Severity.MINOR: 22, Severity.MODERATE: 17, Severity.CRITICAL: 8}
TO_RESOLVE = {Severity.MINOR: 150, Severity.MODERATE: 320, Severity.CRITICAL: 190}
PROMISED = {Severity.MINOR: 0.1, Severity.MODERATE: 0.2, Severity.CRITICAL: 0.55}
# Some people's habits, so that a dashboard has something to show. Everybody else is near 1.
TEMPER = {"dante": 1.45, "hector": 1.35, "nora": 0.55, "milton": 0.6}
FAVOURS = frozenset({"dante"})
# Minutes before now of an agent's own open cases; the last three have waited.
OPEN_AGES = (7, 34, 95, 210, 460, 1_150)
FRESH_CRITICAL = frozenset({"lucia", "tomas", "emma", "andres", "manuela", "owen"})
# Requests of today that wait, by market: who asked, whose decision it is, minutes ago.
WAITING = {
    "MX": (
        ("Caribe", SUPERVISOR_LEVEL, 26),
        ("Caribe", SUPERVISOR_LEVEL, 71),
        ("Línea central", SUPERVISOR_LEVEL, 44),
        ("Línea central", SUPERVISOR_LEVEL, 118),
        ("Caribe", FINANCE_LEVEL, 63),
        ("Línea central", FINANCE_LEVEL, 152),
    ),
    "CO": (("", SUPERVISOR_LEVEL, 38), ("", SUPERVISOR_LEVEL, 87), ("", FINANCE_LEVEL, 101)),
}
# From logging such a case to asking.
TO_ASK = dt.timedelta(minutes=4)
AT_STAKE = {"MX": 18_500_00, "CO": 150_000_00}
# The relative of a colleague, whose case one agent has open.
RELATIVE = {"MX": ("esther", "lucia"), "CO": ("dayana", "andres")}


@dataclass(slots=True)
class Shell:
    """A case to be: when it was logged, and what is laid down for it beforehand."""

    at: dt.datetime
    agent: Person | None = None
    severity: str | None = None
    customer: DemoCustomer | None = None
    # Today's: stays open, compensated or not, with a promise due today or not.
    is_open: bool = False
    compensated: bool = False
    promised: bool = False
    is_overdue: bool = False
    # Waits for this level's decision on a request.
    asks: int = 0
    folio: str = ""


@dataclass(slots=True)
class Life:
    """What has become of a case so far."""

    state: IncidentState = IncidentState.OPEN
    version: int = 1
    last: dt.datetime = field(default_factory=lambda: dt.datetime.min.replace(tzinfo=dt.UTC))
    compensated_at: dt.datetime | None = None
    resolved_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    resolve_due_at: dt.datetime | None = None
    resolution: str = ""
    owes: bool = False

    def touch(self, at: dt.datetime) -> None:
        self.last = max(self.last, at)


class History:
    """Writes the cases of one market."""

    def __init__(
        self,
        market: DemoMarket,
        customers: Customers,
        stories: Stories,
        grants: Grants,
        requests: Requests,
        *,
        now: dt.datetime,
        rng: random.Random,
        ids: HistoricIds,
        tables: Tables,
        trail: Trail,
    ) -> None:
        self.market = market
        self.customers = customers
        self.stories = stories
        self.grants = grants
        self.requests = requests
        self.now = now
        self.rng = rng
        self.ids = ids
        self.tables = tables
        self.trail = trail
        self.is_hotel = market.words.content == "hotel"
        channels = CHANNELS[market.words.content]
        self._channels = Wheel(list(channels), list(channels.values()))
        self._zone = ZoneInfo(market.row.time_zone)
        self._duty = self._roster()
        self._favoured: dict[uuid.UUID, DemoCustomer] = {}
        for person in market.agents:
            person.generosity = TEMPER.get(person.staff.username, person.generosity)

    def write(self, moments: list[dt.datetime]) -> int:
        """Every case at its moment, and today's open ones; returns how many."""
        shells = [Shell(at) for at in moments]
        shells += self._today()
        shells.sort(key=lambda shell: shell.at)
        self._number(shells)
        for shell in shells:
            self._case(shell)
        return len(shells)

    # Who and when -------------------------------------------------------------------------------

    def _roster(self) -> dict[tuple[int, int], list[Person]]:
        """Who is on duty at a weekday and hour; everybody where nobody would be."""
        agents = self.market.agents
        return {
            (weekday, hour): [
                person
                for person in agents
                if hour in person.hours and weekday not in person.days_off
            ]
            or agents
            for weekday in range(7)
            for hour in range(24)
        }

    def _number(self, shells: list[Shell]) -> None:
        """Folios in the order of logging, from the same sequences that new cases will use."""
        zone, code = self.market.row.time_zone, self.market.code
        by_year: dict[int, list[Shell]] = {}
        for shell in shells:
            by_year.setdefault(local_date(shell.at, zone).year, []).append(shell)
        with connection.cursor() as cursor:
            for year, found in by_year.items():
                cursor.execute(
                    "SELECT next_folio(%s, %s) FROM generate_series(1, %s)",
                    [code, year, len(found)],
                )
                for shell, (number,) in zip(found, cursor.fetchall(), strict=True):
                    shell.folio = f"{code}-{year}-{number:06d}"

    def _today(self) -> list[Shell]:
        """A handful of open cases for every agent, and the one that may not be granted."""
        shells = []
        rng = self.rng
        for person in self.market.agents:
            count = rng.randint(4, len(OPEN_AGES))
            fresh = person.staff.username in FRESH_CRITICAL or rng.random() < 0.2
            for place, age in enumerate(OPEN_AGES[:count]):
                severity = None
                if place == 0 and fresh:
                    severity = Severity.CRITICAL
                elif place:
                    severity = rng.choice((Severity.MINOR, Severity.MODERATE))
                shells.append(
                    Shell(
                        self.now - minutes(rng, age, 0.15),
                        agent=person,
                        severity=severity,
                        is_open=True,
                        compensated=place >= 2 and rng.random() < 0.6,
                        promised=place in {1, 3},
                        is_overdue=place == 3 and rng.random() < 0.25,
                    )
                )
        colleague, agent = (
            next(one for one in self.market.agents if one.staff.username == username)
            for username in RELATIVE[self.market.code]
        )
        at = self.now - dt.timedelta(minutes=52)
        relative = self.customers.relative_of(colleague, at - dt.timedelta(minutes=2))
        shells.append(
            Shell(at, agent=agent, severity=Severity.MODERATE, customer=relative, is_open=True)
        )
        for number, (team, level, age) in enumerate(WAITING[self.market.code]):
            people = [
                one
                for one in self.market.agents
                if one.staff.username not in FRESH_CRITICAL
                and (not team or (one.staff.team is not None and one.staff.team.name == team))
            ]
            shells.append(
                Shell(
                    self.now - minutes(rng, age, 0.05),
                    agent=people[number % len(people)],
                    severity=Severity.CRITICAL,
                    is_open=True,
                    asks=level,
                )
            )
        return shells

    # One case -----------------------------------------------------------------------------------

    def _case(self, shell: Shell) -> None:
        rng, at = self.rng, shell.at
        local = at.astimezone(self._zone)
        agent = shell.agent or rng.choice(self._duty[local.weekday(), local.hour])
        # What waits for somebody is a case on which there is something to ask for.
        for _try in range(60):
            customer = shell.customer or self._customer(agent)
            customer_id = self.customers.known(customer, at, agent)
            story = self.stories.draw(customer.language, shell.severity)
            location = self._location(agent)
            amount = AT_STAKE[self.market.code] if shell.asks else self._amount(story)
            case = Case(
                id=self.ids.at(at),
                logged_at=at,
                customer=customer,
                customer_id=customer_id,
                category=story.topic.category,
                reason=story.topic.top.code,
                severity=story.severity,
                channel=self._channels.draw(rng),
                location=location,
                amount_minor=amount,
                agent=agent,
            )
            if not shell.asks or self.requests.may_wait(case, at + TO_ASK, shell.asks):
                break
        compensate_due_at, resolve_due_at = due(case.severity, at)
        life = Life(resolve_due_at=resolve_due_at)
        life.touch(at)
        self._opened(shell, case, story)
        self._listen(case, life)
        self._compensate(shell, case, life)
        self._notes(case, life)
        self._promise(shell, case, life)
        if not shell.is_open:
            self._resolve(case, life)
        suggested = story.topic.sub.severity
        reason = ""
        if case.severity != suggested:
            order = Severity.values
            raised = order.index(case.severity) > order.index(suggested)
            reason = self.stories.line("raised" if raised else "lowered")
        self.tables.incidents.add(
            case.id,
            self.market.row.pk,
            shell.folio,
            customer_id,
            self._kind(story),
            case.category.pk,
            case.severity,
            suggested,
            reason,
            self.stories.tell(story, amount),
            case.channel,
            location.pk,
            self._order(),
            amount,
            self.market.row.currency,
            life.state,
            agent.staff.pk,
            agent.staff.team_id,
            at - minutes(rng, 50, 1.1) if case.channel != ContactChannel.COUNTER else None,
            at,
            agent.staff.pk,
            compensate_due_at,
            life.resolve_due_at,
            life.compensated_at,
            life.resolved_at,
            life.closed_at,
            life.resolution,
            life.version,
        )

    def _customer(self, agent: Person) -> DemoCustomer:
        """Anybody; for one agent, the same person more often than chance would have it."""
        if agent.staff.username in FAVOURS and self.rng.random() < 0.06:
            return self._favoured.setdefault(agent.staff.pk, self.customers.draw())
        return self.customers.draw()

    def _location(self, agent: Person) -> Location:
        places = list(self.market.locations.values())
        team = agent.staff.team
        if self.is_hotel and team is not None and team.name != "Línea central":
            places = places[:2] if team.name == "Caribe" else places[2:]
        elif team is not None and team.name == "Regiones":
            places = places[2:]
        return self.rng.choice(places)

    def _amount(self, story: Story) -> int | None:
        """What the customer stands to lose, in minor units; not always known."""
        rng = self.rng
        if not story.topic.sub.statutory and rng.random() < 0.12:
            return None
        if not self.is_hotel:
            whole = int(rng.lognormvariate(10.75, 0.5)) // 500 * 500
            return min(max(whole, 14_000), 380_000) * 100
        small = story.topic.top.code == "food" or story.topic.sub.code == "unknown_charge"
        whole = int(rng.lognormvariate(6.5 if small else 8.5, 0.55)) // 10 * 10
        return min(max(whole, 180), 42_000) * 100

    def _order(self) -> str:
        if self.rng.random() < 0.2:
            return ""
        digits = self.rng.randrange(10**6 if self.is_hotel else 10**8)
        return f"QZ-{digits:06d}" if self.is_hotel else f"P{digits:08d}"

    def _kind(self, story: Story) -> IncidentKind:
        if story.topic.top.code in {"staff", "courier", "support"}:
            return IncidentKind.COMPLAINT
        if story.severity == Severity.MINOR and self.rng.random() < 0.06:
            return IncidentKind.REQUEST
        return IncidentKind.CLAIM

    def _incident_trail(
        self, case: Case, act: str, at: dt.datetime, by: Person, **more: Any
    ) -> None:
        self.trail.add(
            at, f"incident.{act}", by.actor, "incident", case.id, market=self.market.code, **more
        )

    def _opened(self, shell: Shell, case: Case, story: Story) -> None:
        self._incident_trail(
            case,
            "opened",
            case.logged_at,
            case.agent,
            after={
                "folio": shell.folio,
                "category": case.category.code,
                "severity": case.severity,
                "suggested_severity": story.topic.sub.severity,
                "channel": case.channel,
                "amount_at_stake_minor": case.amount_minor,
                "currency": self.market.row.currency,
            },
        )

    def _step(self, case: Case, step: Step, at: dt.datetime, proof: str) -> None:
        self.tables.steps.add(case.id, step, at, case.agent.staff.pk, proof)

    def _listen(self, case: Case, life: Life) -> None:
        """The words on record prove that somebody listened; some agents tick the next two."""
        self._step(case, Step.LISTEN, case.logged_at, "logged")
        at = case.logged_at
        for step, chance in ((Step.APOLOGISE, 0.5), (Step.EXPLAIN, 0.35)):
            at += dt.timedelta(seconds=self.rng.randint(30, 220))
            if self.rng.random() > chance or at >= self.now:
                continue
            self._step(case, step, at, "person")
            self._incident_trail(case, "step_done", at, case.agent, after={"step": step.value})
            life.touch(at)

    def _move(
        self,
        case: Case,
        life: Life,
        target: IncidentState,
        act: str,
        at: dt.datetime,
        by: Person,
        reason: str = "",
    ) -> None:
        """Follows one arrow of the case's life."""
        before = life.state
        life.state = target
        life.version += 1
        life.touch(at)
        self._incident_trail(
            case,
            act,
            at,
            by,
            before={"state": before.value},
            after={"state": target.value},
            reason=reason,
        )

    def _compensate(self, shell: Shell, case: Case, life: Life) -> None:
        if shell.asks:
            self.requests.wait(case, case.logged_at + TO_ASK, shell.asks)
            return
        rng = self.rng
        severity = Severity(case.severity)
        chance = COMPENSATED[severity] * min(1.15, 0.45 + 0.55 * case.agent.generosity)
        if shell.is_open:
            chance = 1.0 if shell.compensated else 0.0
        if rng.random() > chance:
            return
        at = case.logged_at + minutes(rng, TO_COMPENSATE[severity], 0.5)
        if at >= self.now:
            return
        issued, ended = (None, None) if shell.is_open else self.requests.ask(case, at)
        if issued is not None:
            self._recover(case, life, issued)
            return
        at = max(at, ended + dt.timedelta(minutes=2)) if ended is not None else at
        if at >= self.now:
            return
        most = 2 if severity == Severity.CRITICAL or rng.random() < 0.06 else 1
        kinds = self.grants.compensate(case, at, most=most)
        if not kinds:
            return
        self._recover(case, life, at)
        if OfferKind.MANAGER_CALL in kinds:
            self._owe(
                case,
                life,
                PromiseKind.MANAGER_CALL,
                at + dt.timedelta(seconds=30),
                at + minutes(rng, 400, 0.4),
            )

    def _recover(self, case: Case, life: Life, at: dt.datetime) -> None:
        """What the first compensation of a case proves."""
        life.compensated_at = at
        self._move(case, life, IncidentState.IN_RECOVERY, "recovery_started", at, case.agent)
        self._step(case, Step.COMPENSATE, at, "granted")

    def _notes(self, case: Case, life: Life) -> None:
        rng = self.rng
        at = case.logged_at
        for chance in (0.33, 0.2):
            if rng.random() > chance:
                return
            at += minutes(rng, 35, 0.9)
            if at >= self.now:
                return
            note = self.ids.at(at)
            language = case.agent.staff.language
            self.tables.notes.add(
                note,
                case.id,
                case.agent.staff.pk,
                self.stories.line("notes", case.reason, language),
                at,
            )
            self.trail.add(
                at,
                "note.added",
                case.agent.actor,
                "note",
                note,
                about=case.id,
                market=self.market.code,
            )
            life.touch(at)

    # Promises -----------------------------------------------------------------------------------

    def _promise(self, shell: Shell, case: Case, life: Life) -> None:
        rng = self.rng
        if shell.promised:
            made = min(case.logged_at + dt.timedelta(minutes=6), self.now)
            overdue = shell.is_overdue and made < self.now - dt.timedelta(hours=1)
            due_at = (
                self.now - dt.timedelta(minutes=rng.randint(9, 55))
                if overdue
                else self._later_today()
            )
            self._owe(case, life, PromiseKind.CALL, made, due_at, open_still=True)
            return
        kind = rng.choices(
            (PromiseKind.CALL, PromiseKind.LETTER, PromiseKind.INVITATION), (9, 1, 1)
        )[0]
        if rng.random() > PROMISED[Severity(case.severity)]:
            return
        made = case.logged_at + minutes(rng, 14, 0.6)
        if made < self.now:
            self._owe(case, life, kind, made, made + minutes(rng, 900, 0.7))

    def _later_today(self) -> dt.datetime:
        """A moment between now and the end of the market's day; soon, when little is left of it."""
        zone = self.market.row.time_zone
        end = day_bounds(local_date(self.now, zone), zone)[1] - dt.timedelta(minutes=1)
        left = max(end - self.now, dt.timedelta(minutes=20))
        return self.now + min(left, dt.timedelta(hours=7)) * self.rng.uniform(0.1, 1.0)

    def _owe(
        self,
        case: Case,
        life: Life,
        kind: PromiseKind,
        made: dt.datetime,
        due_at: dt.datetime,
        *,
        open_still: bool = False,
    ) -> None:
        """A promise, and whether it was kept by now; never, when it is `open_still`."""
        rng, agent = self.rng, case.agent
        promise = self.ids.at(made)
        roll = rng.random()
        state = (
            PromiseState.KEPT
            if roll < 0.87
            else PromiseState.BROKEN
            if roll < 0.95
            else PromiseState.CANCELLED
        )
        ended: dt.datetime | None = due_at - (due_at - made) * rng.uniform(0.02, 0.5)
        if state == PromiseState.BROKEN:
            ended = due_at + minutes(rng, 120, 0.5)
        if open_still or ended is None or ended >= self.now:
            state, ended, life.owes = PromiseState.DUE, None, True
        self.tables.promises.add(
            promise,
            case.id,
            self.market.row.pk,
            kind,
            due_at,
            agent.staff.pk,
            self.stories.line("promises", kind),
            state,
            made,
            agent.staff.pk,
            ended,
            agent.staff.pk if ended else None,
        )
        self._promise_trail(
            case,
            promise,
            "made",
            made,
            after={
                "kind": kind.value,
                "due_at": due_at.isoformat(),
                "owner": str(agent.staff.pk),
            },
        )
        life.touch(made)
        if ended is not None:
            self._promise_trail(
                case,
                promise,
                state.value,
                ended,
                before={"state": PromiseState.DUE.value},
                after={"state": state.value},
            )
            life.touch(ended)

    def _promise_trail(
        self, case: Case, promise: uuid.UUID, act: str, at: dt.datetime, **more: Any
    ) -> None:
        self.trail.add(
            at,
            f"promise.{act}",
            case.agent.actor,
            "promise",
            promise,
            about=case.id,
            market=self.market.code,
            **more,
        )

    # The end ------------------------------------------------------------------------------------

    def _resolve(self, case: Case, life: Life) -> None:
        rng, severity = self.rng, Severity(case.severity)
        at = max(
            case.logged_at + minutes(rng, TO_RESOLVE[severity], 0.8),
            life.last + dt.timedelta(minutes=rng.randint(2, 25)),
        )
        if life.owes or at >= self.now:
            return
        self._resolved(case, life, at)
        if rng.random() < 0.013:
            at = self._reopened(case, life, at + minutes(rng, 900, 0.5))
        closed = at + dt.timedelta(hours=rng.randint(40, 100), seconds=rng.randint(0, 3_599))
        if life.state == IncidentState.RESOLVED and closed < self.now:
            life.closed_at = closed
            self._move(case, life, IncidentState.CLOSED, "closed", closed, case.agent)

    def _resolved(self, case: Case, life: Life, at: dt.datetime) -> None:
        life.resolved_at = at
        if not life.resolution:
            self._step(case, Step.CORRECT, at, "resolved")
        life.resolution = self.stories.line("resolutions", case.reason, case.agent.staff.language)
        self._move(case, life, IncidentState.RESOLVED, "resolved", at, case.agent)

    def _reopened(self, case: Case, life: Life, at: dt.datetime) -> dt.datetime:
        """Back into recovery, and settled again after some hours; returns the last moment."""
        if at >= self.now:
            return at
        life.resolved_at = None
        life.resolve_due_at = due(case.severity, at)[1]
        self._move(
            case,
            life,
            IncidentState.IN_RECOVERY,
            "reopened",
            at,
            case.agent,
            "Volvió a ocurrir después de darlo por resuelto.",
        )
        again = at + minutes(self.rng, 240, 0.5)
        if again < self.now:
            self._resolved(case, life, again)
        return again
