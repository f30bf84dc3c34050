"""Whatever people do in whatever order, the books hold: a random walk over every act at once.

Grants, requests, decisions, voids, redemptions, reversals, expiry, changes of limits, publications
and the stop switch, drawn by hypothesis against real PostgreSQL. After every step the ledger, the
coupons, the counters and the rollups are counted again from their rows, and each compensation is
where this file's own plain picture of it says. Invariants 1, 2, 3, 7, 8, 9, 10, 12, 16 and 29.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Market, Staff
from common.errors import Refusal
from common.windows import local_date
from compensations import scale
from compensations.actions import (
    confirm_limit,
    expire_due,
    grant,
    lapse_due,
    propose_limit,
    redeem,
    reject,
    request,
    resume_issuance,
    reverse,
    stop_issuance,
    try_to_approve,
    try_to_pass_up,
    void,
    withdraw,
)
from compensations.models import (
    Approval,
    Compensation,
    Coupon,
    IssuanceLimit,
    LimitCounter,
    Offer,
    ScaleVersion,
)
from compensations.reconciliation import differences
from compensations.states import LimitScope, LimitWindow, Measure
from compensations.tests.scenario import Company, build, code_of
from incidents.models import Incident
from reporting.actions import roll_day
from reporting.selectors.rollups import Filters, issuance_rows

OFFERS = ("coupon", "gift_card", "refund", "statutory", "large")
FIGURES = (
    "issued",
    "issued_face",
    "voided",
    "voided_face",
    "redeemed",
    "redeemed_value",
    "reversed",
    "reversed_value",
    "expired",
    "expired_value",
    "requested",
    "rejected",
    "withdrawn",
    "lapsed",
)
CAPS = (0, 400_00, 1_500_00, 3_000_00, 9_000_00)
ANY = st.integers(min_value=0, max_value=1_000)
# Where in the offer's range the amount lies, in percent, a little outside included; None for the
# default.
PLACE = st.none() | st.integers(min_value=-5, max_value=105)


def _tried(act: Callable[[], Any]) -> Any:
    """The act's answer, or None where a rule refused it; a refusal leaves nothing behind."""
    try:
        with transaction.atomic():
            return act()
    except Refusal:
        return None


def _amount(offer: Offer, incident: Incident, place: int | None) -> int | None:
    """An amount so far into the offer's range on that case, in minor units."""
    if place is None:
        return None
    allowed = scale.range_of(offer, incident.amount_at_stake_minor)
    return allowed.minimum + (allowed.maximum - allowed.minimum) * place // 100


class Life(RuleBasedStateMachine):
    """One market, some cases, everybody at once."""

    # Over every walk of a run: a walk in which nothing happens proves nothing.
    happened: ClassVar[Counter[str]] = Counter()

    @initialize()
    def open_shop(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.company: Company = build()
        shop = self.company
        shop.limit("grant", "each", "amount", 600_00)
        shop.limit("grant", "each", "amount", 1_200_00, for_role="supervisor")
        shop.limit("agent", "day", "amount", 1_500_00)
        shop.limit("agent", "day", "count", 6)
        shop.limit("customer", "month", "amount", 2_500_00)
        shop.limit("incident", "each", "count", 3)
        shop.limit("team", "month", "amount", 6_000_00)
        shop.limit("market", "day", "amount", 7_000_00)
        customers = [shop.customer() for _number in range(2)]
        self.incidents = [shop.incident(customers[number % 2]) for number in range(4)]
        # What this file believes: state and, for a coupon, what is left on it.
        self.state: dict[uuid.UUID, str] = {}
        self.left: dict[uuid.UUID, int] = {}
        self.face: dict[uuid.UUID, int] = {}
        self.acts: Counter[str] = Counter()
        self.used: list[tuple[uuid.UUID, str, int]] = []
        self.past: set[uuid.UUID] = set()
        self.lowered = False
        # Something of everything to begin with, so that the first step has what to act on.
        for number, name in enumerate(("coupon", "gift_card", "statutory")):
            self.grants(case=number, offer=OFFERS.index(name), place=None, who=number)
        for case, place in ((0, 60), (3, 90), (1, 75)):
            self.requests(case=case, offer=OFFERS.index("large"), place=place, who=0)
        self.decides(which=1, who=2, what="no")

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            self.happened.update(self.acts)
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # Drawing what an act is about.

    def _offer(self, number: int) -> Offer:
        name = OFFERS[number % len(OFFERS)]
        live = ScaleVersion.objects.get(market=self.company.market, state="live")
        return Offer.objects.get(rule__version=live, name_en=name)

    def _incident(self, number: int) -> Incident:
        return self.incidents[number % len(self.incidents)]

    def _any(self, number: int, *states: str) -> Compensation | None:
        """Some compensation that should be in one of these states."""
        found = sorted(key for key, state in self.state.items() if state in states)
        return Compensation.objects.get(pk=found[number % len(found)]) if found else None

    def _mostly(self, number: int, state: str, *others: str) -> Compensation | None:
        """Three times in four one in the state that the act is for, else in any of these."""
        return self._any(number // 4, state, *(others if number % 4 == 0 else ()))

    def _person(self, number: int) -> Staff:
        shop = self.company
        # The agent more often than the others: who may do little leaves a walk empty.
        cast = (shop.agent, shop.colleague, shop.supervisor, shop.elena, shop.agent, shop.hugo)
        return cast[number % len(cast)]

    def _decider(self, number: int, row: Compensation, what: str) -> Staff:
        """Mostly somebody who may: one step in four is anybody's."""
        if number % 4 == 0:
            return self._person(number // 4)
        if what == "back":
            return row.granted_by
        shop = self.company
        cast = (shop.supervisor, shop.elena, shop.supervisor, shop.hugo, shop.supervisor)
        return cast[number % len(cast)]

    def _born(self, row: Compensation, state: str) -> None:
        self.state[row.pk] = state
        self.face[row.pk] = row.face_minor

    def _issued(self, row: Compensation) -> None:
        self.state[row.pk] = "issued"
        self.face[row.pk] = row.face_minor
        if Coupon.objects.filter(compensation=row).exists():
            self.left[row.pk] = row.face_minor
        self.acts["issued"] += 1
        self.acts["issued_face"] += row.face_minor

    # The acts.

    @rule(case=ANY, offer=ANY, place=PLACE, who=ANY)
    def grants(self, case: int, offer: int, place: int | None, who: int) -> None:
        incident, wanted = self._incident(case), self._offer(offer)
        made = _tried(
            lambda: grant(
                incident=incident,
                offer=wanted,
                amount_minor=_amount(wanted, incident, place),
                by=self._person(who),
            )
        )
        if made is not None:
            assert self._person(who) not in {self.company.elena, self.company.hugo}
            self._issued(made)

    @rule(case=ANY, offer=ANY, place=PLACE, who=ANY)
    def requests(self, case: int, offer: int, place: int | None, who: int) -> None:
        incident, wanted = self._incident(case), self._offer(offer)
        made = _tried(
            lambda: request(
                incident=incident,
                offer=wanted,
                amount_minor=_amount(wanted, incident, place),
                reason="Perdió su conexión y viaja con niños.",
                by=self._person(who),
            )
        )
        if made is not None:
            self._born(made, "requested")
            self.acts["requested"] += 1

    @rule(which=ANY, who=ANY, what=st.sampled_from(["yes", "no", "no", "up"]))
    def decides(self, which: int, who: int, what: str) -> None:
        self._decide(which, who, what)

    @rule(which=ANY, who=ANY)
    def takes_back(self, which: int, who: int) -> None:
        self._decide(which, who, "back")

    def _decide(self, which: int, who: int, what: str) -> None:
        row = self._mostly(which, "requested", "issued", "rejected", "withdrawn")
        if row is None:
            return
        asked = Approval.objects.filter(compensation=row).order_by("requested_at", "id").last()
        if asked is None:
            return
        by = self._decider(who, row, what)
        acts: dict[str, Callable[[], Any]] = {
            "yes": lambda: try_to_approve(approval=asked, by=by),
            "no": lambda: reject(approval=asked, reason="No hay nada que lo pruebe.", by=by),
            "up": lambda: try_to_pass_up(approval=asked, by=by),
            "back": lambda: withdraw(approval=asked, by=by),
        }
        if _tried(acts[what]) is None:
            return
        # Whatever was decided, the request was still open and its own author only withdrew it.
        assert self.state[row.pk] == "requested"
        assert (by == row.granted_by) == (what == "back")
        row.refresh_from_db()
        asked.refresh_from_db()
        if asked.state == "lapsed":
            # The scale went on meanwhile: what was asked is no longer what would be given.
            assert what in {"yes", "up"}
            self.state[row.pk] = "lapsed"
            self.acts["lapsed"] += 1
        elif what == "yes":
            self._issued(row)
        elif what == "no":
            self.state[row.pk] = "rejected"
            self.acts["rejected"] += 1
        elif what == "back":
            self.state[row.pk] = "withdrawn"
            self.acts["withdrawn"] += 1

    @rule(which=ANY)
    def lapses(self, which: int) -> None:
        row = self._any(which, "requested")
        if row is None or which % 4:
            return
        passed = timezone.now() - dt.timedelta(days=1)
        Approval.objects.filter(compensation=row, state="pending").update(lapses_at=passed)
        ended = lapse_due()
        waiting = [key for key, state in self.state.items() if state == "requested"]
        lapsed = Compensation.objects.filter(pk__in=waiting, state="lapsed")
        assert ended == len(lapsed)
        # Its time was over, or the scale it was asked of is: nothing else ends by itself.
        assert {item.version.state for item in lapsed if item != row} <= {"retired"}
        assert row in lapsed
        for item in lapsed:
            self.state[item.pk] = "lapsed"
            self.acts["lapsed"] += 1

    @rule(which=ANY, who=ANY)
    def voids(self, which: int, who: int) -> None:
        row = self._mostly(which, "issued", "settled", "requested", "expired", "voided")
        if row is None:
            return
        before = self.state[row.pk]
        by = self._person(who)
        if _tried(lambda: void(compensation=row, reason="Se equivocó de caso.", by=by)):
            assert before == "issued"
            assert self.left.get(row.pk, row.face_minor) == row.face_minor
            self.state[row.pk] = "voided"
            self.left.pop(row.pk, None)
            self.acts["voided"] += 1
            self.acts["voided_face"] += row.face_minor

    @rule(which=ANY, part=st.none() | st.integers(1, 60_000))
    def redeems(self, which: int, part: int | None) -> None:
        row = self._mostly(which, "issued", "settled", "voided", "expired")
        coupons = sorted(key for key in self.left if self.state[key] == "issued")
        if which % 4 and coupons:
            # Most of what is granted has no coupon: a walk would seldom come to a till.
            row = Compensation.objects.get(pk=coupons[which // 4 % len(coupons)])
        if row is None or not hasattr(row, "coupon"):
            return
        number = f"T{len(self.used)}-{uuid.uuid4().hex[:6]}"
        if row.coupon.code_ciphertext is None:
            return
        code = code_of(row)
        done = _tried(
            lambda: redeem(
                code=code,
                external_transaction_id=number,
                market=self.company.market,
                amount_minor=part,
                by=self.company.till,
            )
        )
        if done is None:
            return
        assert self.state[row.pk] == "issued"
        self.left[row.pk] -= done.amount_minor
        assert self.left[row.pk] >= 0
        if self.left[row.pk] == 0:
            self.state[row.pk] = "settled"
        self.used.append((row.pk, number, done.amount_minor))
        self.acts["redeemed"] += 1
        self.acts["redeemed_value"] += done.amount_minor

    @precondition(lambda self: bool(getattr(self, "used", None)))
    @rule(which=ANY)
    def reverses(self, which: int) -> None:
        pk, number, minor = self.used[which % len(self.used)]
        row = Compensation.objects.get(pk=pk)
        if row.coupon.code_ciphertext is None:
            return
        code = code_of(row)
        if _tried(
            lambda: reverse(
                code=code,
                external_transaction_id=number,
                market=self.company.market,
                by=self.company.till,
            )
        ):
            self.used.remove((pk, number, minor))
            self.left[pk] += minor
            assert self.left[pk] <= self.face[pk]
            self.state[pk] = "issued"
            self.acts["reversed"] += 1
            self.acts["reversed_value"] += minor

    @rule(which=ANY)
    def expires(self, which: int) -> None:
        row = self._any(which, "issued", "settled")
        if which % 4 or row is None or not Coupon.objects.filter(compensation=row).exists():
            return
        # The last valid moment passes: only the date is moved, every rule then sees it.
        passed = timezone.now() - dt.timedelta(days=1)
        Coupon.objects.filter(compensation=row).update(expires_at=passed)
        Compensation.objects.filter(pk=row.pk).update(expires_at=passed)
        self.past.add(row.pk)
        expire_due()
        # What was used so lately that it may still be undone waits for that.
        undoable = {key for key, _number, _minor in self.used}
        for key in self.past - undoable:
            if self.state[key] == "issued":
                self.state[key] = "expired"
                self.acts["expired"] += 1
                self.acts["expired_value"] += self.left.pop(key)

    @rule(
        cap=st.sampled_from(CAPS),
        scope=st.sampled_from(["agent", "team", "customer"]),
    )
    def changes_a_limit(self, cap: int, scope: str) -> None:
        shop = self.company
        old = IssuanceLimit.objects.get(
            market=shop.market, scope=scope, measure="amount", state="in_force"
        )
        if old.cap == cap:
            return
        wanted = propose_limit(
            market=shop.market,
            scope=LimitScope(old.scope),
            window=LimitWindow(old.window),
            measure=Measure.AMOUNT,
            cap=cap,
            reason="Temporada alta.",
            by=shop.elena,
        )
        assert _tried(lambda: confirm_limit(limit=wanted, by=shop.elena)) is None
        confirm_limit(limit=wanted, by=shop.hugo)
        self.lowered = True

    @rule(default=st.integers(100_00, 300_00))
    def publishes(self, default: int) -> None:
        shop = self.company
        shop.republish("coupon", default=default)

    @rule(stop=st.sampled_from([False, False, True]))
    def stops(self, stop: bool) -> None:
        shop = self.company
        market = Market.objects.get(pk=shop.market.pk)
        act = stop_issuance if stop else resume_issuance
        for by in (shop.elena, shop.hugo):
            if _tried(lambda by=by: act(market=market, reason="Revisión.", by=by)):  # type: ignore[misc]
                return

    # What holds after each of them.

    @invariant()
    def the_database_agrees(self) -> None:
        if not hasattr(self, "atomic"):
            return
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert list(differences()) == []

    @invariant()
    def everything_is_where_it_should_be(self) -> None:
        if not hasattr(self, "atomic"):
            return
        stored = dict(Compensation.objects.values_list("id", "state"))
        assert stored == self.state
        balances = {
            pk: minor
            for pk, minor, state in Coupon.objects.values_list(
                "compensation_id", "balance_minor", "state"
            )
            if state not in {"voided", "expired"}
        }
        assert balances == self.left

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        if not hasattr(self, "atomic"):
            return
        holding = IssuanceLimit.objects.filter(state="in_force").order_by("for_staff")
        for counter in LimitCounter.objects.select_related("limit"):
            # One's own limit before the general one of its kind.
            limit = next(
                row
                for row in holding
                if row.counts_in_id == counter.limit_id
                and str(row.for_staff_id or counter.subject) == counter.subject
            )
            # What was given before a limit was lowered stays given; nothing more is.
            assert counter.used <= limit.cap or (self.lowered and limit.replaces_id), limit

    @invariant()
    def one_version_is_live(self) -> None:
        if hasattr(self, "atomic"):
            assert ScaleVersion.objects.filter(state="live").count() == 1

    @invariant()
    def the_figures_equal_a_recount(self) -> None:
        if not hasattr(self, "atomic"):
            return
        market = self.company.market
        today = local_date(timezone.now(), market.time_zone)
        # With yesterday, for a walk that goes on past midnight.
        days = [today - dt.timedelta(days=1), today]
        asked = Filters(market=market, start=days[0], end=today + dt.timedelta(days=1))
        live = issuance_rows(asked, by=[])
        figures = live[0] if live else {}
        for name in FIGURES:
            assert (figures.get(name) or 0) == self.acts[name], name
        with _rolled_back():
            for day in days:
                roll_day(market, day)
            assert issuance_rows(asked, by=[]) == live


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_books_hold_whatever_happens() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            # A walk that fails is short enough to read; making it shorter takes minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert [name for name in FIGURES if Life.happened[name] == 0] == [], Life.happened
