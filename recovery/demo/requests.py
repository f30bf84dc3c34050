"""What agents asked a second person for: decided in the past, and a handful that waits today.

What is asked, at which level and for what reason is said by the product's own functions; who
decided, when and how is drawn, in an order that has every ending in it.
"""

import datetime as dt
import random
import uuid
from collections.abc import Sequence
from itertools import cycle

from accounts.states import Role
from audit.actions import SYSTEM, Actor
from compensations import approvals, scale
from compensations.limits import Room
from compensations.models import Compensation, Offer
from compensations.refusals import AmountNeeded
from compensations.states import ApprovalState, CompensationState, LapseReason
from incidents.models import Customer, Incident
from incidents.states import Severity

from .company import DemoMarket, Person
from .grants import Case, Grant, Grants
from .ids import HistoricIds
from .limits import Counters
from .rhythm import minutes
from .tables import Tables
from .trail import Trail

# The share of critical cases on which somebody asks first.
ASKED = 0.4
TO_DECIDE, TO_WITHDRAW = 17, 9
PASSED_UP = "passed up"
ENDINGS = (
    ApprovalState.APPROVED,
    ApprovalState.REJECTED,
    ApprovalState.LAPSED,
    ApprovalState.WITHDRAWN,
    PASSED_UP,
    ApprovalState.APPROVED,
    ApprovalState.APPROVED,
    ApprovalState.APPROVED,
    ApprovalState.REJECTED,
    ApprovalState.APPROVED,
)
WHY = (
    "Es la segunda falla en el mismo servicio y lo pidió por escrito.",
    "Perdió un compromiso familiar por nuestra causa; lo normal no alcanza.",
    "Cliente de años; anunció que no vuelve si no hay una respuesta hoy.",
    "La falla duró toda la noche y no hubo cómo repararla en el momento.",
)
WHY_NOT = (
    "Lo ocurrido se cubre con la opción normal; ofrezca esa y una llamada.",
    "Ya recibió una compensación por el mismo servicio este mes.",
    "Falta saber qué pasó; aclárelo con la sede y pida de nuevo.",
)
NOTES = ("", "", "De acuerdo, el caso lo vale.")
DAY = dt.timedelta(days=1)


class Requests:
    """Requests of one market, in the order of their moments."""

    def __init__(
        self,
        market: DemoMarket,
        grants: Grants,
        counters: Counters,
        *,
        now: dt.datetime,
        rng: random.Random,
        ids: HistoricIds,
        tables: Tables,
        trail: Trail,
    ) -> None:
        self.market = market
        self.grants = grants
        self.counters = counters
        self.now = now
        self.rng = rng
        self.ids = ids
        self.tables = tables
        self.trail = trail
        self._endings = cycle(ENDINGS)

    # What to ask for ----------------------------------------------------------------------------

    def choose(self, case: Case, level: int) -> tuple[Offer, int] | None:
        """An offer above what the agent may give alone, and an amount that `level` decides."""
        rule = self.grants.rule(self.grants.versions[1], case)
        if rule is None:
            return None
        alone = self._cap(case.agent, Role.AGENT)
        above = max(self._cap(person, Role.SUPERVISOR) for person in self._supervisors(case))
        step = self.grants.step
        for offer in rule.offers.all():
            try:
                allowed = scale.range_of(offer, case.amount_minor)
            except AmountNeeded:
                continue
            bound = offer.approval_from_minor
            low = min(alone + 1, bound if bound is not None else alone + 1)
            if level == approvals.FINANCE_LEVEL:
                low = max(low, above + 1)
            minor = -(-max(low, allowed.minimum) // step) * step
            high = allowed.maximum if level == approvals.FINANCE_LEVEL else above
            if not offer.is_statutory and minor <= min(allowed.maximum, high):
                return offer, minor
        return None

    def _cap(self, person: Person, role: str) -> int:
        single = self.counters.applicable(person, role=role).single
        return min(limit.cap for limit in single)

    def _supervisors(self, case: Case) -> Sequence[Person]:
        team = case.agent.staff.team_id
        lead = self.market.team_lead.get(team) if team is not None else None
        return [lead] if lead is not None else list(self.market.supervisors.values())

    # Asking -------------------------------------------------------------------------------------

    def ask(self, case: Case, at: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
        """A request of the past on a critical case: when it was issued, or ended without a grant.

        (None, None) where nobody asked, as under the first scale, when there were no limits.
        """
        if case.severity != Severity.CRITICAL or at < self.grants.live_since():
            return None, None
        if self.rng.random() > ASKED:
            return None, None
        grant = self._new(case, at, approvals.SUPERVISOR_LEVEL)
        ending = next(self._endings)
        last = at + DAY + dt.timedelta(minutes=1)
        if grant is None or (last if ending == ApprovalState.LAPSED else at + DAY / 4) >= self.now:
            return None, None
        if not self._reserve(grant):
            return None, None
        return self._end(grant, ending, last)

    def may_wait(self, case: Case, at: dt.datetime, level: int) -> bool:
        """Whether there is something to ask for that `level` decides and every limit holds."""
        grant = self._new(case, at, level)
        return grant is not None and self.counters.has_shared_room(grant.minor, case, at)

    def wait(self, case: Case, at: dt.datetime, level: int) -> bool:
        """A request of today that nobody has decided yet; whether there was one to ask."""
        grant = self._new(case, at, level)
        if grant is None or not self._reserve(grant):
            return False
        self._approval(grant, level, ApprovalState.PENDING)
        grant.state = CompensationState.REQUESTED
        self.grants.add_row(grant, created_at=at, issued_at=None)
        return True

    def _new(self, case: Case, at: dt.datetime, level: int) -> Grant | None:
        chosen = self.choose(case, level)
        if chosen is None or not self.grants.may_again(case, chosen[0], at):
            return None
        offer, minor = chosen
        version = self.grants.versions[1]
        rule = self.grants.rule(version, case)
        assert rule is not None
        return Grant(
            id=self.ids.at(at),
            case=case,
            version=version,
            rule=rule,
            offer=offer,
            minor=minor,
            at=at,
            expires_at=None,
            asked_at=at,
            reason=self.rng.choice(WHY),
        )

    def _reserve(self, grant: Grant) -> bool:
        return self.counters.take(grant.id, grant.minor, grant.case, grant.at, part="shared")

    # How it ended -------------------------------------------------------------------------------

    def _end(
        self, grant: Grant, ending: str, last: dt.datetime
    ) -> tuple[dt.datetime | None, dt.datetime | None]:
        rng, asked = self.rng, grant.at
        decider = self._supervisors(grant.case)[0]
        decided = min(asked + minutes(rng, TO_DECIDE, 0.7), asked + DAY / 8)
        if ending == ApprovalState.WITHDRAWN:
            self._close(grant, ApprovalState.WITHDRAWN, asked + minutes(rng, TO_WITHDRAW, 0.3))
            return None, grant.ended_at
        if ending == ApprovalState.LAPSED:
            self._close(grant, ApprovalState.LAPSED, last)
            return None, grant.ended_at
        if ending == ApprovalState.REJECTED or not self._authority(grant, decider, decided):
            self._close(grant, ApprovalState.REJECTED, decided, decider)
            return None, grant.ended_at
        role = Role.SUPERVISOR
        if ending == PASSED_UP:
            self._approval(grant, 1, ApprovalState.APPROVED, decided, decider, passed_up=True)
            decider, role = rng.choice(self.market.finance), Role.FINANCE
            first, decided = decided, decided + minutes(rng, TO_DECIDE, 0.7)
            self._approval(grant, 2, ApprovalState.APPROVED, decided, decider, requested_at=first)
        else:
            self._approval(grant, 1, ApprovalState.APPROVED, decided, decider)
        grant.at, grant.decider = decided, decider
        grant.role = role
        self.grants.write_approved(grant)
        return decided, None

    def _authority(self, grant: Grant, decider: Person, at: dt.datetime) -> bool:
        return self.counters.take(
            grant.id,
            grant.minor,
            grant.case,
            at,
            by=decider,
            part="personal",
            role=Role.SUPERVISOR,
        )

    def _close(
        self, grant: Grant, state: ApprovalState, at: dt.datetime, decider: Person | None = None
    ) -> None:
        self._approval(grant, 1, state, at, decider)
        self.counters.give_back(grant.id, at)
        grant.state, grant.ended_at = CompensationState(state.value), at
        self.grants.add_row(grant, created_at=grant.at, issued_at=None)
        self._trail(
            grant,
            at,
            f"compensation.{grant.state}",
            self._actor(grant, state, decider),
            "compensation",
            grant.id,
            before={"state": CompensationState.REQUESTED.value},
            after={"state": grant.state.value, "face_minor": grant.minor},
        )

    def _actor(self, grant: Grant, state: ApprovalState, decider: Person | None) -> Actor:
        if decider is not None:
            return decider.actor
        return SYSTEM if state == ApprovalState.LAPSED else grant.case.agent.actor

    # Writing ------------------------------------------------------------------------------------

    def _approval(
        self,
        grant: Grant,
        level: int,
        state: ApprovalState,
        at: dt.datetime | None = None,
        decider: Person | None = None,
        *,
        passed_up: bool = False,
        requested_at: dt.datetime | None = None,
    ) -> None:
        """One approval; the first one of a request with the request itself."""
        case = grant.case
        asked = requested_at or grant.at
        pk = self.ids.at(asked)
        content = self._content(grant)
        reason = {
            ApprovalState.REJECTED: self.rng.choice(WHY_NOT),
            ApprovalState.APPROVED: self.rng.choice(NOTES),
            ApprovalState.LAPSED: LapseReason.TIME.value,
        }.get(state, "")
        self.tables.approvals.add(
            pk,
            self.market.row.pk,
            grant.id,
            content,
            approvals.content_hash(content),
            level,
            grant.reason,
            state,
            asked,
            case.agent.staff.pk,
            asked + DAY,
            at if decider else None,
            decider.staff.pk if decider else None,
            reason,
            None if decider else at,
        )
        if requested_at is None:
            self._trail(
                grant,
                grant.at,
                "compensation.requested",
                case.agent.actor,
                "compensation",
                grant.id,
                after={
                    "approval": str(pk),
                    "level": level,
                    "because": content["because"],
                    "kind": grant.offer.kind,
                    "offer": grant.offer.name_es,
                    "face_minor": grant.minor,
                    "currency": self.market.row.currency,
                    "scale": grant.version.number,
                    "customer": str(case.customer_id),
                },
                reason=grant.reason,
            )
        if at is not None:
            self._trail(
                grant,
                at,
                f"approval.{state}",
                self._actor(grant, state, decider),
                "approval",
                pk,
                before={"state": ApprovalState.PENDING.value},
                after={
                    "state": state.value,
                    "level": level,
                    "compensation": str(grant.id),
                    "face_minor": grant.minor,
                    "currency": self.market.row.currency,
                    "requested_by": str(case.agent.staff.pk),
                    "passed_up": passed_up,
                },
                reason=reason,
            )

    def _trail(
        self,
        grant: Grant,
        at: dt.datetime,
        act: str,
        by: Actor,
        kind: str,
        pk: uuid.UUID,
        **more: object,
    ) -> None:
        self.trail.add(
            at,
            act,
            by,
            kind,
            pk,
            about=grant.case.id,
            market=self.market.code,
            **more,  # type: ignore[arg-type]
        )

    def _content(self, grant: Grant) -> dict[str, object]:
        case = grant.case
        incident = Incident(
            pk=case.id,
            category=case.category,
            severity=case.severity,
            amount_at_stake_minor=case.amount_minor,
            customer=Customer(pk=case.customer_id, segment=case.customer.segment),
        )
        row = Compensation(
            pk=grant.id,
            face_minor=grant.minor,
            currency=self.market.row.currency,
            offer=grant.offer,
            version=grant.version,
        )
        single = self.counters.applicable(case.agent, role=Role.AGENT).single
        because = approvals.reasons_for(
            offer_bound=grant.offer.approval_from_minor,
            rooms=[Room(limit, 0) for limit in single],
            minor=grant.minor,
        )
        return approvals.content_of(row, incident, because)
