"""The figures of issuance counted one by one, in plain Python, from every row of a market.

Written apart from the SQL on purpose: by loops over objects, with the calendar of the standard
library, so that a mistake in one is not in the other.
"""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Market
from compensations.models import Approval, Compensation, Redemption, Reversal
from incidents.models import Incident

COUPONS = {"discount", "coupon", "courtesy", "gift_card", "invitation"}


@dataclass(frozen=True)
class Asked:
    """Which rows count; `end` is exclusive."""

    market: Market
    start: dt.date
    end: dt.date
    teams: frozenset[int] | None = None
    team: int | None = None
    location: int | None = None
    category: int | None = None
    channel: str | None = None
    staff: uuid.UUID | None = None

    def within(self, moment: dt.datetime | None) -> bool:
        if moment is None:
            return False
        date = moment.astimezone(ZoneInfo(self.market.time_zone)).date()
        return self.start <= date < self.end

    def takes(self, row: Any, staff: uuid.UUID | None) -> bool:
        """Whether a case or compensation, by whoever it is counted for, is asked for."""
        return (
            row.market_id == self.market.pk
            and (self.teams is None or row.team_id in self.teams)
            and (self.team is None or row.team_id == self.team)
            and (self.location is None or row.location_id == self.location)
            and (self.category is None or self.category in {row.category_id, _parent(row)})
            and (self.channel is None or row.channel == self.channel)
            and (self.staff is None or staff == self.staff)
        )


def _parent(row: Any) -> int | None:
    parent: int | None = row.category.parent_id
    return parent


Key = tuple[uuid.UUID | None, str]


def count(asked: Asked) -> Counter[Key]:
    """Each figure by agent, under the names of `Figures`."""
    found: Counter[Key] = Counter()
    for case in Incident.objects.select_related("category").filter(market=asked.market):
        if asked.within(case.logged_at) and asked.takes(case, case.owner_id):
            _add_case(found, case)
    asked_for: dict[uuid.UUID, list[Approval]] = defaultdict(list)
    for approval in Approval.objects.all():
        asked_for[approval.compensation_id].append(approval)
    rows = {row.pk: row for row in Compensation.objects.select_related("category")}
    for row in rows.values():
        if asked.takes(row, row.granted_by_id):
            _add_given(found, row, asked_for[row.pk], asked)
    for redemption in Redemption.objects.select_related("coupon"):
        row = rows[redemption.coupon.compensation_id]
        if asked.takes(row, row.granted_by_id) and asked.within(redemption.created_at):
            found[row.granted_by_id, "redeemed"] += 1
            found[row.granted_by_id, "redeemed_value"] += redemption.amount_minor
    for reversal in Reversal.objects.select_related("redemption__coupon"):
        row = rows[reversal.redemption.coupon.compensation_id]
        if asked.takes(row, row.granted_by_id) and asked.within(reversal.created_at):
            found[row.granted_by_id, "reversed"] += 1
            found[row.granted_by_id, "reversed_value"] += reversal.redemption.amount_minor
    return +found


def _add_case(found: Counter[Key], case: Incident) -> None:
    who = case.owner_id
    found[who, "cases"] += 1
    standing = [
        row.issued_at
        for row in Compensation.objects.filter(incident=case)
        if row.issued_at is not None and row.state != "voided"
    ]
    if standing:
        found[who, "compensated"] += 1
        seconds = (min(standing) - case.logged_at).total_seconds()
        if case.resolve_due_at is None:
            found[who, "imported_compensated"] += 1
        else:
            found[who, "seconds_to_compensation"] += max(int(seconds // 1), 0)
    if case.resolve_due_at is None:
        found[who, "imported"] += 1
    if case.state in {"resolved", "closed"}:
        found[who, "resolved"] += 1
    is_open = case.state in {"open", "in_recovery"}
    now = timezone.now()
    late = [
        due is not None and (done > due if done is not None else is_open and due <= now)
        for done, due in (
            (case.compensated_at, case.compensate_due_at),
            (case.resolved_at, case.resolve_due_at),
        )
    ]
    found[who, "breached"] += any(late)
    if not any(late) and (case.compensate_due_at is not None or case.resolve_due_at is not None):
        found[who, "running" if is_open else "met"] += 1


def _add_given(
    found: Counter[Key], row: Compensation, approvals: list[Approval], asked: Asked
) -> None:
    who = row.granted_by_id
    if asked.within(row.issued_at):
        if row.is_statutory:
            found[who, "law"] += 1
            found[who, "law_face"] += row.face_minor
            found[who, "law_expected"] += row.expected_cost_minor
        else:
            found[who, "issued"] += 1
            found[who, "face"] += row.face_minor
            found[who, "expected"] += row.expected_cost_minor
        found[who, "approved"] += any(one.state == "approved" for one in approvals)
        found[who, "reissued"] += row.reissue_of_id is not None
    if row.state == "voided" and asked.within(row.ended_at):
        found[who, "voided"] += 1
        found[who, "voided_face"] += row.face_minor
    if row.state == "expired" and asked.within(row.ended_at):
        found[who, "expired"] += 1
        found[who, "expired_value"] += row.coupon.balance_minor
    if approvals and asked.within(row.created_at):
        found[who, "requested"] += 1
        found[who, "requested_face"] += row.face_minor
    for one in approvals:
        if one.state == "rejected" and asked.within(one.decided_at):
            found[who, "rejected"] += 1
        if one.state in {"withdrawn", "lapsed"} and asked.within(one.closed_at):
            found[who, one.state] += 1


def _goodwill(asked: Asked) -> list[Compensation]:
    return [
        row
        for row in Compensation.objects.select_related("category")
        if asked.takes(row, row.granted_by_id)
        and asked.within(row.issued_at)
        and not row.is_statutory
    ]


def repeat_customers(asked: Asked) -> dict[uuid.UUID, int]:
    """How many customers got two or more standing goodwill grants, by agent."""
    met = Counter(
        (row.granted_by_id, row.customer_id) for row in _goodwill(asked) if row.state != "voided"
    )
    return dict(Counter(staff for (staff, _customer), number in met.items() if number > 1))


def week(asked: Asked) -> list[int]:
    """Goodwill by hour of the week on the market's clock, Monday first."""
    found = [0] * 7 * 24
    for row in _goodwill(asked):
        assert row.issued_at is not None
        local = row.issued_at.astimezone(ZoneInfo(asked.market.time_zone))
        found[24 * local.weekday() + local.hour] += 1
    return found


def coupons(asked: Asked) -> tuple[int, int]:
    """Coupons issued in the period, and how many of them are used up."""
    rows = [
        row
        for row in Compensation.objects.select_related("category")
        if asked.takes(row, row.granted_by_id)
        and asked.within(row.issued_at)
        and row.kind in COUPONS
    ]
    return len(rows), sum(row.state == "settled" for row in rows)


def expected_of_peers(asked: Asked) -> dict[uuid.UUID, Fraction]:
    """What each agent's goodwill would be worth at the means of all others, cell by cell."""
    whole = Asked(
        asked.market,
        asked.start,
        asked.end,
        location=asked.location,
        category=asked.category,
        channel=asked.channel,
    )
    rows = _goodwill(whole)
    found: dict[uuid.UUID, Fraction] = {}
    for staff in {row.granted_by_id for row in rows}:
        expected = Fraction(0)
        for mine in (row for row in rows if row.granted_by_id == staff):
            others = [
                row.face_minor
                for row in rows
                if row.granted_by_id != staff
                and (row.category_id, row.severity) == (mine.category_id, mine.severity)
            ]
            if others:
                expected += Fraction(sum(others), len(others))
        if expected:
            found[staff] = expected
    return found
