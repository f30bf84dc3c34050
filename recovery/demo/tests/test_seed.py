"""The company as a whole: constraints, sums, and nothing that the past cannot be."""

import datetime as dt
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, Max, OuterRef, Subquery

from accounts.models import Holiday, Market, RoleGrant, Staff
from audit.models import AuditEvent
from compensations import codes
from compensations.approvals import content_hash, content_of
from compensations.limits import limits_for
from compensations.models import (
    Approval,
    Compensation,
    Coupon,
    IssuanceLimit,
    LedgerEntry,
    LimitCounter,
    LimitUse,
    Redemption,
    ScaleVersion,
)
from compensations.reconciliation import differences
from compensations.scale import live_version
from compensations.scale_versions import difference
from compensations.selectors import approvals_to_decide
from compensations.states import LimitScope, LimitState, LimitWindow, Measure, ScaleState
from delivery.models import Message
from delivery.states import MessageState
from incidents.actions import next_folio
from incidents.models import Incident, Promise

from ..history import WAITING
from ..seed import AlreadyThere, seed_company
from .conftest import NOW, SMALL

pytestmark = pytest.mark.django_db


def test_it_passes_every_constraint(company: dt.datetime) -> None:
    connection.check_constraints()
    assert Market.objects.count() == 2
    assert Incident.objects.count() > 2 * SMALL.incidents


def test_every_figure_equals_its_sum(company: dt.datetime) -> None:
    assert list(differences()) == []
    kinds = set(LedgerEntry.objects.values_list("event", flat=True))
    assert kinds >= {"issue", "redeem", "void", "expire"}


def test_no_counter_is_above_its_cap(company: dt.datetime) -> None:
    caps = IssuanceLimit.objects.filter(state="in_force", counts_in=OuterRef("limit"))
    highest = caps.values("counts_in").annotate(cap=Max("cap")).values("cap")
    counters = LimitCounter.objects.annotate(cap=Subquery(highest))
    assert counters.exists()
    assert not counters.exclude(used__lte=F("cap")).exists()


def test_room_was_taken_from_the_limits_that_a_grant_meets(company: dt.datetime) -> None:
    granted = list(
        Compensation.objects.filter(limit_uses__isnull=False, approvals=None)
        .distinct()
        .select_related("market", "granted_by", "customer", "incident")
        .order_by("-id")[:25]
    )
    assert len(granted) == 25
    for compensation in granted:
        met = limits_for(
            market=compensation.market,
            staff=compensation.granted_by,
            customer=compensation.customer,
            incident=compensation.incident,
            at=compensation.created_at,
        )
        (use,) = LimitUse.objects.filter(compensation=compensation)
        taken = zip(use.limits, use.subjects, use.starts_on, strict=True)
        assert set(taken) == {key.counter for key in met.keys}


def test_what_was_voided_gave_its_room_back(company: dt.datetime) -> None:
    voided = LimitUse.objects.filter(compensation__state="voided")
    assert voided.exists()
    assert not voided.filter(released_at=None).exists()
    given_back = ("voided", "rejected", "withdrawn", "lapsed")
    assert (
        not LimitUse.objects.exclude(compensation__state__in=given_back)
        .exclude(released_at=None)
        .exists()
    )


def test_requests_ended_in_every_way_and_some_wait_today(company: dt.datetime) -> None:
    states = set(Approval.objects.values_list("state", flat=True))
    assert states == {"pending", "approved", "rejected", "withdrawn", "lapsed"}
    for approval in Approval.objects.select_related("compensation__incident__customer"):
        assert bytes(approval.content_hash) == content_hash(approval.content)
        if approval.state == "rejected":
            assert approval.decision_reason
    waiting = Approval.objects.filter(state="pending")
    assert waiting.count() == sum(len(asked) for asked in WAITING.values())
    for username, levels in {"raul": {1}, "walter": {1}, "elena": {1, 2}}.items():
        person = Staff.objects.get(username=username)
        market = Market.objects.get(code="MX")
        found = set(approvals_to_decide(person, market).values_list("level", flat=True))
        assert found == levels, username
    live = {row.pk: live_version(row) for row in Market.objects.all()}
    for approval in waiting.select_related(
        "compensation__granted_by", "compensation__incident__customer"
    ):
        row = approval.compensation
        assert approval.lapses_at > company
        facts = content_of(row, row.incident, approval.content["because"])
        assert content_hash(facts) == bytes(approval.content_hash)
        assert row.version == live[approval.market_id]


def test_limits_are_in_force_in_every_scope_window_and_measure(company: dt.datetime) -> None:
    for market in Market.objects.all():
        limits = IssuanceLimit.objects.filter(market=market, state=LimitState.IN_FORCE)
        assert set(limits.values_list("scope", flat=True)) == set(LimitScope.values)
        assert set(limits.values_list("window", flat=True)) == set(LimitWindow.values)
        assert set(limits.values_list("measure", flat=True)) == set(Measure.values)
        assert not limits.filter(proposed_by=F("decided_by")).exists()


def test_each_market_has_one_live_scale_after_a_retired_one(company: dt.datetime) -> None:
    for market in Market.objects.all():
        retired, live, waiting, draft = ScaleVersion.objects.filter(market=market).order_by(
            "number"
        )
        assert (retired.state, live.state) == (ScaleState.RETIRED, ScaleState.LIVE)
        assert (waiting.state, draft.state) == (ScaleState.IN_REVIEW, ScaleState.DRAFT)
        for proposed, cells in ((waiting, 2), (draft, 3)):
            changes = difference(live, proposed)
            assert len(changes.cells) >= cells
            # One approval is enough.
            assert not changes.reaches(20)
        assert retired.effective_until == live.effective_from
        assert live.author_id != live.approved_by_id
        for given in Compensation.objects.filter(market=market, version=retired):
            assert given.created_at < live.effective_from  # type: ignore[operator]


def test_a_second_company_is_refused(company: dt.datetime) -> None:
    before = Incident.objects.count(), AuditEvent.objects.count()
    with pytest.raises(AlreadyThere):
        seed_company(seed=7, now=NOW, size=SMALL)
    with pytest.raises(CommandError, match="has a company already"):
        call_command("seed_demo")
    assert (Incident.objects.count(), AuditEvent.objects.count()) == before


def test_lists_by_id_are_lists_by_time(company: dt.datetime) -> None:
    for model, moment in (
        (Incident, "logged_at"),
        (Compensation, "created_at"),
        (Message, "created_at"),
        (Redemption, "created_at"),
    ):
        moments = list(model._default_manager.order_by("id").values_list(moment, flat=True))
        millis = [int(at.timestamp() * 1000) for at in moments]
        assert millis == sorted(millis), model
    trail = list(AuditEvent.objects.order_by("id").values_list("at", flat=True))
    assert trail == sorted(trail)


def test_nothing_has_happened_after_now(company: dt.datetime) -> None:
    moments = (
        (Incident, "logged_at compensated_at resolved_at closed_at"),
        (Compensation, "created_at issued_at ended_at"),
        (Message, "created_at sent_at delivered_at"),
        (Redemption, "created_at reversed_at"),
        (Promise, "created_at ended_at"),
        (LedgerEntry, "at"),
        (AuditEvent, "at"),
        (Staff, "date_joined"),
    )
    for model, names in moments:
        for name in names.split():
            assert not model._default_manager.filter(**{f"{name}__gt": company}).exists(), name


def test_no_message_waits_to_be_sent(company: dt.datetime) -> None:
    states = set(Message.objects.values_list("state", flat=True))
    assert states >= {MessageState.DELIVERED, MessageState.SENT, MessageState.FAILED}
    assert not states & {MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN}


def test_each_tried_message_has_its_attempts(company: dt.datetime) -> None:
    for message in Message.objects.prefetch_related("tries"):
        numbers = sorted(row.number for row in message.tries.all())
        assert numbers == list(range(1, message.attempts + 1))


def test_the_trail_holds_no_contact_and_no_code(company: dt.datetime) -> None:
    rows = AuditEvent.objects.values_list("actor_name", "before", "after", "reason")
    trail = json.dumps([list(row) for row in rows], ensure_ascii=False)
    assert len(trail) > 100_000
    assert not re.search(r"\+\d{8,}", trail)
    assert not re.search(r"[a-z0-9]@", trail)
    valid = Coupon.objects.exclude(code_ciphertext=None)
    assert valid.exists()
    for coupon in valid:
        code = codes.read_code(coupon)
        assert code is not None
        assert code not in trail
        assert codes.display(code) not in trail


def test_only_codes_that_can_be_sent_again_are_kept(company: dt.datetime) -> None:
    assert not Coupon.objects.filter(state="issued", code_ciphertext=None).exists()
    assert not Coupon.objects.exclude(state="issued").exclude(code_ciphertext=None).exists()
    coupon = Coupon.objects.filter(state="issued").latest("id")
    code = codes.read_code(coupon)
    assert code is not None
    assert bytes(coupon.code_hash) == codes.current_hash(code)[1]
    assert code.endswith(coupon.last_four)


def test_a_coupon_was_used_where_and_while_it_could_be(company: dt.datetime) -> None:
    used = Redemption.objects.select_related("coupon", "location", "cashier")
    assert used.exists()
    for redemption in used:
        coupon = redemption.coupon
        assert redemption.created_at < coupon.expires_at
        assert redemption.location is not None
        assert not coupon.usable_at or redemption.location.code in coupon.usable_at
        assert redemption.cashier is not None
        assert redemption.cashier.location_id == redemption.location_id


def test_the_next_case_goes_on_where_the_past_ended(company: dt.datetime) -> None:
    market = Market.objects.get(code="MX")
    last = Incident.objects.filter(market=market).latest("id")
    year, number = last.folio.split("-")[1:]
    assert next_folio(market, NOW) == f"MX-{year}-{int(number) + 1:06d}"


def test_roles_come_from_somebody_else(company: dt.datetime) -> None:
    without = RoleGrant.objects.filter(granted_by=None)
    assert {grant.role for grant in without} == {"administrator"}
    assert not RoleGrant.objects.filter(granted_by=F("staff")).exists()
    assert Holiday.objects.filter(date=dt.date(2026, 12, 25)).count() == 2
