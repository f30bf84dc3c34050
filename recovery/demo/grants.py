"""The compensations of the past: what was granted by which rule, and what became of it.

Rule, range, expected cost and accounts are the product's own functions; the choice among the
offers, and whether and when a coupon was used, are drawn.
"""

import datetime as dt
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, replace

from accounts.models import Location
from audit.actions import SYSTEM
from common.money import share
from common.windows import day_bounds, local_date
from compensations import codes, ledger, scale
from compensations.models import Offer, ScaleRule, ScaleVersion
from compensations.refusals import AmountNeeded
from compensations.states import (
    COUPON_KINDS,
    Account,
    CompensationState,
    CouponState,
    LedgerEvent,
    OfferKind,
)
from incidents.models import Category

from .company import DemoMarket, Person
from .customers import DemoCustomer
from .ids import HistoricIds
from .limits import Counters
from .outbox import Outbox
from .rhythm import minutes
from .stories import Stories
from .tables import Tables
from .trail import Trail

VOIDED, REISSUED = 0.022, 0.45
REVERSED, USED_AGAIN = 0.02, 0.75
# How likely each kind is ever used.
USE = {
    OfferKind.COURTESY: 0.66,
    OfferKind.COUPON: 0.55,
    OfferKind.DISCOUNT: 0.22,
    OfferKind.GIFT_CARD: 0.6,
    OfferKind.INVITATION: 0.25,
}
# Minutes until what has no code is done: points posted, refund paid, call made.
DONE_AFTER = {
    OfferKind.POINTS: 12,
    OfferKind.CREDIT: 9,
    OfferKind.GESTURE: 55,
    OfferKind.MANAGER_CALL: 380,
    OfferKind.LETTER: 2_100,
    OfferKind.PARTIAL_REFUND: 5_600,
    OfferKind.FULL_REFUND: 5_200,
}
# Agents take the first offers of a rule far more often than the last.
PLACE_WEIGHT = (10, 6, 4, 2, 1)


@dataclass(slots=True)
class Case:
    """What a grant needs to know of its incident."""

    id: uuid.UUID
    logged_at: dt.datetime
    customer: DemoCustomer
    customer_id: uuid.UUID
    category: Category
    reason: str
    severity: str
    channel: str
    location: Location | None
    amount_minor: int | None
    agent: Person


@dataclass(slots=True)
class Grant:
    """One compensation being written."""

    id: uuid.UUID
    case: Case
    version: ScaleVersion
    rule: ScaleRule
    offer: Offer
    minor: int
    at: dt.datetime
    expires_at: dt.datetime | None
    note: str = ""
    reissue_of: uuid.UUID | None = None
    state: CompensationState = CompensationState.ISSUED
    ended_at: dt.datetime | None = None
    voided_by: Person | None = None
    void_reason: str = ""
    balance: int = 0
    # Of a request: when and why it was asked, who approved it and in which role.
    asked_at: dt.datetime | None = None
    reason: str = ""
    decider: Person | None = None
    role: str = ""


class Grants:
    """Grants of one market, in the order of their moments."""

    def __init__(
        self,
        market: DemoMarket,
        versions: tuple[ScaleVersion, ScaleVersion],
        counters: Counters,
        outbox: Outbox,
        stories: Stories,
        *,
        now: dt.datetime,
        rng: random.Random,
        ids: HistoricIds,
        tables: Tables,
        trail: Trail,
    ) -> None:
        self.market = market
        self.versions = versions
        self.counters = counters
        self.outbox = outbox
        self.stories = stories
        self.now = now
        self.rng = rng
        self.ids = ids
        self.tables = tables
        self.trail = trail
        self.step = 1_000 if market.row.currency == "MXN" else 50_000
        self._given: dict[tuple[uuid.UUID, str, str], list[dt.datetime]] = defaultdict(list)
        self._till: dict[tuple[str, dt.date], int] = defaultdict(int)
        self._rules: dict[tuple[int, int, str, str], ScaleRule | None] = {}

    # Choosing -----------------------------------------------------------------------------------

    def compensate(self, case: Case, at: dt.datetime, *, most: int) -> list[OfferKind]:
        """Grants up to `most` offers on a case at an aware moment; returns their kinds."""
        version = self.versions[0] if at < self.live_since() else self.versions[1]
        rule = self.rule(version, case)
        granted: list[OfferKind] = []
        if rule is None:
            return granted
        options = list(rule.offers.all())
        while options and len(granted) < most:
            offer = self._pick(options)
            options.remove(offer)
            minor = self._amount(case, offer)
            if minor is None or not self.may_again(case, offer, at):
                continue
            grant = Grant(
                id=self.ids.at(at),
                case=case,
                version=version,
                rule=rule,
                offer=offer,
                minor=minor,
                at=at,
                expires_at=self._expiry(offer, at),
            )
            if not self._take(grant):
                continue
            self._write(grant)
            granted.append(OfferKind(offer.kind))
            at += dt.timedelta(seconds=self.rng.randint(20, 90))
            if at >= self.now:
                break
        return granted

    def live_since(self) -> dt.datetime:
        since = self.versions[1].effective_from
        assert since is not None
        return since

    def rule(self, version: ScaleVersion, case: Case) -> ScaleRule | None:
        key = (version.pk, case.category.pk, case.severity, case.customer.segment)
        if key not in self._rules:
            self._rules[key] = scale.rule_for(
                version, case.category, case.severity, case.customer.segment
            )
        return self._rules[key]

    def _pick(self, options: list[Offer]) -> Offer:
        """What is owed by law comes first; then the early offers of the rule."""
        for offer in options:
            if offer.is_statutory and self.rng.random() < 0.85:
                return offer
        weights = [PLACE_WEIGHT[min(offer.position, len(PLACE_WEIGHT)) - 1] for offer in options]
        return self.rng.choices(options, weights)[0]

    def _amount(self, case: Case, offer: Offer) -> int | None:
        """The default mostly; else a round amount of the range, by the agent's temper."""
        try:
            allowed = scale.range_of(offer, case.amount_minor)
        except AmountNeeded:
            return None
        minor = allowed.default
        if self.rng.random() > 0.6 and allowed.maximum > allowed.minimum:
            wished = (
                self.rng.triangular(allowed.minimum, allowed.maximum, allowed.default)
                * case.agent.generosity
            )
            rounded = int(wished) // self.step * self.step
            minor = min(max(rounded, allowed.minimum), allowed.maximum)
        ceiling = offer.approval_from_minor
        if ceiling is not None and minor >= ceiling:
            minor = allowed.minimum
            if minor >= ceiling:
                return None
        return minor

    def may_again(self, case: Case, offer: Offer, at: dt.datetime) -> bool:
        """Whether the customer may have this offer once more by its own frequency."""
        if not offer.per_customer:
            return True
        since = at - dt.timedelta(days=offer.per_customer_days)
        given = self._given[case.customer_id, offer.kind, offer.name_es]
        return sum(moment >= since for moment in given) < offer.per_customer

    def _expiry(self, offer: Offer, at: dt.datetime) -> dt.datetime | None:
        """The end of the last valid local day, as a grant sets it."""
        if offer.kind not in COUPON_KINDS:
            return None
        zone = self.market.row.time_zone
        return day_bounds(local_date(at, zone) + dt.timedelta(days=offer.validity_days), zone)[1]

    def _take(self, grant: Grant) -> bool:
        """Room for it under every limit; there was none to ask for before the live scale."""
        if grant.offer.is_statutory or grant.version is self.versions[0]:
            return True
        return self.counters.take(grant.id, grant.minor, grant.case, grant.at)

    # Writing ------------------------------------------------------------------------------------

    def _write(self, grant: Grant) -> None:
        """The compensation with all that followed from it."""
        case, offer = grant.case, grant.offer
        self._given[case.customer_id, offer.kind, offer.name_es].append(grant.at)
        grant.balance = grant.minor
        self._move(grant, LedgerEvent.ISSUE, grant.at, *self._accounts(grant), grant.minor)
        self._granted(grant)
        reissued = None
        if offer.kind in COUPON_KINDS:
            reissued = self._live_with_code(grant)
        else:
            self._finish(grant)
        self.outbox.send(
            grant.id,
            case.id,
            case.customer,
            grant.at,
            case.agent,
            usable=grant.state == CompensationState.ISSUED,
        )
        self.add_row(grant, created_at=grant.asked_at or grant.at, issued_at=grant.at)
        if reissued is not None and self._take(reissued):
            self._write(reissued)

    def write_approved(self, grant: Grant) -> None:
        """A request that somebody said yes to, at the moment of the yes."""
        grant.expires_at = self._expiry(grant.offer, grant.at)
        self._write(grant)

    def add_row(
        self, grant: Grant, *, created_at: dt.datetime, issued_at: dt.datetime | None
    ) -> None:
        """The compensation's own row."""
        case, offer = grant.case, grant.offer
        self.tables.compensations.add(
            grant.id,
            self.market.row.pk,
            case.id,
            case.customer_id,
            grant.version.pk,
            grant.rule.pk,
            offer.pk,
            offer.kind,
            offer.is_statutory,
            grant.minor,
            share(grant.minor, offer.expected_cost_bp),
            self.market.row.currency,
            grant.state,
            case.agent.staff.pk,
            case.agent.staff.team_id,
            case.location.pk if case.location else None,
            case.category.pk,
            case.severity,
            case.channel,
            grant.note,
            created_at,
            issued_at,
            grant.expires_at,
            grant.ended_at,
            grant.voided_by.staff.pk if grant.voided_by else None,
            grant.void_reason,
            grant.reissue_of,
        )

    def _accounts(self, grant: Grant) -> tuple[Account, Account]:
        """Where the grant is an expense, and where it is owed."""
        return (
            ledger.expense_account(grant.offer.is_statutory),
            ledger.owed_account(grant.offer.kind),
        )

    def _move(
        self,
        grant: Grant,
        event: LedgerEvent,
        at: dt.datetime,
        debit: Account,
        credit: Account,
        minor: int,
    ) -> None:
        if minor == 0:
            return
        transaction = self.ids.any()
        for account, amount in ((debit, minor), (credit, -minor)):
            self.tables.ledger.add(
                transaction,
                event,
                self.market.row.pk,
                grant.id,
                account,
                amount,
                self.market.row.currency,
                at,
            )

    def _granted(self, grant: Grant) -> None:
        case, offer = grant.case, grant.offer
        self.trail.add(
            grant.at,
            "compensation.granted",
            grant.decider.actor if grant.decider else case.agent.actor,
            "compensation",
            grant.id,
            about=case.id,
            market=self.market.code,
            after={
                "kind": offer.kind,
                "offer": offer.name_es,
                "face_minor": grant.minor,
                "expected_cost_minor": share(grant.minor, offer.expected_cost_bp),
                "currency": self.market.row.currency,
                "statutory": offer.is_statutory,
                "scale": grant.version.number,
                "channel": case.customer.channel.value,
                "customer": str(case.customer_id),
                "reissue_of": str(grant.reissue_of or ""),
            },
            reason=grant.reason or grant.note,
        )

    def _finish(self, grant: Grant) -> None:
        """What has no code is done after its time: posted, paid or said."""
        typical = DONE_AFTER[OfferKind(grant.offer.kind)]
        done = grant.at + minutes(self.rng, typical, 0.4)
        if done >= self.now:
            return
        grant.state, grant.ended_at = CompensationState.SETTLED, done
        _expense, owed = self._accounts(grant)
        self._move(grant, LedgerEvent.REDEEM, done, owed, Account.CLEARING, grant.minor)
        self.trail.add(
            done,
            "compensation.settled",
            SYSTEM,
            "compensation",
            grant.id,
            about=grant.case.id,
            market=self.market.code,
            before={"state": CompensationState.ISSUED.value},
            after={"state": CompensationState.SETTLED.value, "face_minor": grant.minor},
        )

    # Coupons ------------------------------------------------------------------------------------

    def _live_with_code(self, grant: Grant) -> Grant | None:
        """A coupon's life: voided, used, expired or still waiting. Returns its reissue, if any."""
        coupon = self.ids.at(grant.at)
        code = codes.new_code()
        state, again = CouponState.ISSUED, None
        if self.rng.random() < VOIDED:
            again = self._void(grant)
        if grant.state == CompensationState.VOIDED:
            state = CouponState.VOIDED
        else:
            state = self._use(grant, coupon, code)
        sealed: tuple[str, bytes | None] = ("", None)
        if state == CouponState.ISSUED:
            sealed = codes.seal(code, coupon)
        key_id, hashed = codes.current_hash(code)
        self.tables.coupons.add(
            coupon,
            grant.id,
            self.market.row.pk,
            hashed,
            key_id,
            code[-4:],
            sealed[1],
            sealed[0],
            state,
            self.market.row.currency,
            grant.minor,
            grant.balance,
            grant.offer.kind == OfferKind.GIFT_CARD,
            grant.offer.usable_at,
            grant.expires_at,
        )
        return again

    def _void(self, grant: Grant) -> Grant | None:
        """Taken back by the agent within ten minutes or by the team's supervisor later."""
        case, rng = grant.case, self.rng
        late = rng.random() < 0.35
        by = case.agent
        when = grant.at + dt.timedelta(seconds=rng.randint(70, 560))
        if late and case.agent.staff.team_id is not None:
            by = self.market.team_lead[case.agent.staff.team_id]
            when = grant.at + dt.timedelta(minutes=rng.randint(40, 1_700))
        if when >= self.now:
            return None
        reissue = not late and grant.asked_at is None and rng.random() < REISSUED
        grant.state, grant.ended_at = CompensationState.VOIDED, when
        grant.voided_by = by
        grant.void_reason = self.stories.line("reissue_reasons" if reissue else "void_reasons")
        expense, owed = self._accounts(grant)
        self._move(grant, LedgerEvent.VOID, when, owed, expense, grant.minor)
        if not grant.offer.is_statutory:
            self.counters.give_back(grant.id, when)
        self.trail.add(
            when,
            "compensation.voided",
            by.actor,
            "compensation",
            grant.id,
            about=case.id,
            market=self.market.code,
            before={"state": CompensationState.ISSUED.value},
            after={"state": CompensationState.VOIDED.value, "face_minor": grant.minor},
            reason=grant.void_reason,
        )
        if not reissue:
            return None
        return replace(
            grant,
            id=self.ids.at(when),
            at=when,
            expires_at=self._expiry(grant.offer, when),
            note=grant.void_reason,
            reissue_of=grant.id,
            state=CompensationState.ISSUED,
            ended_at=None,
            voided_by=None,
            void_reason="",
        )

    def _use(self, grant: Grant, coupon: uuid.UUID, code: str) -> CouponState:
        """Redemptions, a reversal now and then, and expiry of what is left."""
        rng, expires = self.rng, grant.expires_at
        assert expires is not None
        moment = grant.at
        if rng.random() < USE[OfferKind(grant.offer.kind)]:
            for _visit in range(4 if grant.offer.kind == OfferKind.GIFT_CARD else 1):
                moment = self._opening_hours(moment + minutes(rng, 8_500, 1.0))
                if moment >= min(self.now, expires) or grant.balance == 0:
                    break
                if self._redeem(grant, coupon, code, moment):
                    moment += dt.timedelta(minutes=rng.randint(30, 2_000))
                    if rng.random() < USED_AGAIN and moment < min(self.now, expires):
                        self._redeem(grant, coupon, code, moment, final=True)
        if grant.balance == 0:
            grant.state = CompensationState.SETTLED
            return CouponState.REDEEMED
        if expires < self.now:
            self._expire(grant, expires)
            return CouponState.EXPIRED
        return CouponState.ISSUED

    def _opening_hours(self, moment: dt.datetime) -> dt.datetime:
        """Tills are open by day: a moment of the night becomes one of the next morning."""
        hour = (moment.hour - 6) % 24  # both markets are five to six hours behind UTC
        if 9 <= hour <= 21:
            return moment
        return moment + dt.timedelta(hours=(9 - hour) % 24 + self.rng.randint(0, 9))

    def _redeem(
        self,
        grant: Grant,
        coupon: uuid.UUID,
        code: str,
        at: dt.datetime,
        *,
        final: bool = False,
    ) -> bool:
        """One use at a counter; says whether it was undone afterwards."""
        rng, case = self.rng, grant.case
        usable = grant.offer.usable_at or list(self.market.locations)
        home = case.location.code if case.location else ""
        place = home if home in usable and rng.random() < 0.75 else rng.choice(usable)
        location, cashier = self.market.locations[place], self.market.cashiers[place]
        minor = grant.balance
        if grant.offer.kind == OfferKind.GIFT_CARD and rng.random() < 0.6:
            part = int(minor * rng.uniform(0.3, 0.8)) // self.step * self.step
            minor = part or minor
        date = local_date(at, self.market.row.time_zone)
        self._till[place, date] += 1
        number = f"{place}-{date:%Y%m%d}-{self._till[place, date]:04d}"
        undone = at + dt.timedelta(minutes=rng.randint(3, 25))
        reverse = not final and rng.random() < REVERSED and undone < self.now
        redemption = self.ids.at(at)
        self.tables.redemptions.add(
            redemption,
            coupon,
            self.market.row.pk,
            minor,
            self.market.row.currency,
            location.pk,
            cashier.staff.pk,
            number,
            at,
            undone if reverse else None,
        )
        self._move(grant, LedgerEvent.REDEEM, at, Account.LIABILITY, Account.CLEARING, minor)
        self._till_trail(
            grant,
            "coupon.redeemed",
            at,
            cashier,
            {
                "amount_minor": minor,
                "currency": self.market.row.currency,
                "last_four": code[-4:],
                "location": place,
                "transaction": number,
            },
        )
        grant.balance -= minor
        grant.ended_at = at if grant.balance == 0 else None
        if reverse:
            self.tables.reversals.add(
                redemption, cashier.staff.pk, number, "Se canjeó en la cuenta equivocada.", undone
            )
            self._move(
                grant, LedgerEvent.REVERSE, undone, Account.CLEARING, Account.LIABILITY, minor
            )
            self._till_trail(
                grant,
                "coupon.reversed",
                undone,
                cashier,
                {"amount_minor": minor, "transaction": number},
            )
            grant.balance += minor
            grant.ended_at = None
        return reverse

    def _till_trail(
        self,
        grant: Grant,
        act: str,
        at: dt.datetime,
        cashier: Person,
        after: dict[str, object],
    ) -> None:
        self.trail.add(
            at,
            act,
            cashier.actor,
            "compensation",
            grant.id,
            about=grant.case.id,
            market=self.market.code,
            after=after,
        )

    def _expire(self, grant: Grant, at: dt.datetime) -> None:
        swept = min(at + dt.timedelta(minutes=self.rng.randint(1, 6)), self.now)
        grant.state, grant.ended_at = CompensationState.EXPIRED, swept
        self._move(
            grant, LedgerEvent.EXPIRE, swept, Account.LIABILITY, Account.BREAKAGE, grant.balance
        )
        self.trail.add(
            swept,
            "compensation.expired",
            SYSTEM,
            "compensation",
            grant.id,
            about=grant.case.id,
            market=self.market.code,
            before={"state": CompensationState.ISSUED.value},
            after={"state": CompensationState.EXPIRED.value, "face_minor": grant.balance},
        )
