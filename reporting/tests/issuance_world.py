"""A company with some weeks behind it, drawn from a seed: two teams, cases of every mix, grants,
requests, voids, redemptions and expiries, most days rolled and some not.
"""

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import Location, Staff, Team
from accounts.states import Role
from common.windows import day_bounds, local_date
from compensations.models import Approval, Compensation
from compensations.tests.scenario import Company, build, person
from incidents.models import Category, Customer
from reporting.actions import roll_day

from .history import History, id_at

DAYS = 65
# From logging to the two clocks of a case, as `History.case` sets them.
CLOCKS = (dt.timedelta(hours=1), dt.timedelta(days=1))
SEVERITIES = ("minor", "moderate", "critical")
CHANNELS = ("phone", "counter", "email")
OFFERS = {"coupon": 200_00, "gift_card": 500_00, "refund": 310_50, "statutory": 700_00}


@dataclass
class World:
    company: Company
    others: Team
    staff: list[Staff]
    locations: list[Location]
    categories: list[Category]
    customers: list[Customer]
    today: dt.date

    def at(self, date: dt.date, hours: float) -> dt.datetime:
        """A moment so many hours into a local date."""
        return day_bounds(date, self.company.market.time_zone)[0] + dt.timedelta(hours=hours)


def _company(code: str) -> World:
    company = build(code)
    market = company.market
    others = Team.objects.create(market=market, name="Noche")
    staff = [
        company.agent,
        company.colleague,
        person(market, "irene", Role.AGENT, team=others),
        person(market, "joel", Role.AGENT, team=others),
    ]
    parent = Category.objects.create(market=market, code="food", name_es="Comida", name_en="Food")
    categories = [company.category, parent]
    for code_, parent_ in (("room-dirty", company.category.parent), ("food-cold", parent)):
        categories.append(
            Category.objects.create(
                market=market, parent=parent_, code=code_, name_es=code_, name_en=code_
            )
        )
    second = Location.objects.create(market=market, code="MID", name="Mérida")
    return World(
        company,
        others,
        staff,
        [company.location, second],
        categories,
        [company.customer(name=f"Cliente {number}") for number in range(6)],
        local_date(timezone.now(), market.time_zone),
    )


def build_world(seed: int, *, cases: int = 50, code: str = "MX") -> World:
    """Draws a world; the same seed draws the same one, but for the day it is drawn on."""
    dice = random.Random(seed)
    world = _company(code)
    history = History(world.company)
    now = timezone.now()
    # Apart, so that what else is drawn stays as it was.
    ends = random.Random(seed + 1)
    for _number in range(cases):
        date = world.today - dt.timedelta(days=int(DAYS * dice.random() ** 2))
        at = min(world.at(date, 24 * dice.random()), now - dt.timedelta(seconds=60))
        at = _away_from_clocks(at, now)
        owner = dice.choice([*world.staff, None])
        done = at + dt.timedelta(minutes=dice.choice((10, 50, 90)))
        case = history.case(
            at,
            owner=owner,
            team=owner.team if owner else world.company.team,
            customer=dice.choice(world.customers),
            category=dice.choice(world.categories),
            severity=(severity := dice.choice(SEVERITIES)),
            suggested_severity=severity,
            channel=dice.choice(CHANNELS),
            location=dice.choice([*world.locations, None]),
            compensated_at=done if dice.random() < 0.6 else None,
            **_end(at, ends, now),
        )
        by = owner or dice.choice(world.staff)
        for name in dice.sample(list(OFFERS), dice.choice((0, 1, 1, 2))):
            granted = min(at + dt.timedelta(hours=30 * dice.random()), now)
            row = history.given(
                case,
                granted,
                offer=name,
                face=OFFERS[name] + dice.randrange(40) * 10_00,
                by=by,
                expires_at=granted + dt.timedelta(days=dice.choice((3, 20, 50, 120)))
                if name in {"coupon", "gift_card"}
                else None,
                asked_at=granted - dt.timedelta(hours=2) if dice.random() < 0.2 else None,
            )
            _ending(world, history, row, dice, now)
        if dice.random() < 0.25:
            _request(world, history, case, by, dice, now)
    # Whatever the hour, one case is open with both of its clocks still running.
    history.case(now - dt.timedelta(minutes=10), owner=world.staff[0], state="in_recovery")
    for number in range(DAYS + 2):
        if dice.random() < 0.7:
            roll_day(world.company.market, world.today - dt.timedelta(days=number + 1))
    return world


def _away_from_clocks(at: dt.datetime, now: dt.datetime) -> dt.datetime:
    """A moment to log at, or one a little before, whose clocks do not run out during a test."""
    margin = dt.timedelta(minutes=15)
    while any(now < at + span < now + margin for span in CLOCKS):
        at -= margin
    return at


def _end(at: dt.datetime, dice: random.Random, now: dt.datetime) -> dict[str, Any]:
    """Open still, settled in time or late, or brought in by an import without clocks."""
    fields: dict[str, Any] = {"state": "in_recovery"}
    if dice.random() < 0.4:
        done = min(at + dt.timedelta(hours=dice.choice((1, 20, 30))), now)
        fields |= {"state": dice.choice(("resolved", "closed")), "resolved_at": done}
    if dice.random() < 0.15:
        fields |= {"compensate_due_at": None, "resolve_due_at": None}
    return fields


def _ending(
    world: World, history: History, row: Compensation, dice: random.Random, now: dt.datetime
) -> None:
    """What became of a grant, where that has happened by now."""
    assert row.issued_at is not None
    fate = dice.random()
    after = row.issued_at + dt.timedelta(hours=1 + 100 * dice.random())
    if after > now:
        return
    if fate < 0.12:
        if row.kind in {"coupon", "gift_card"}:
            history.voided(row, after)
        return
    if row.kind not in {"coupon", "gift_card"}:
        return
    if row.expires_at is not None and row.expires_at < now:
        history.expired(row, row.expires_at)
    elif fate < 0.5:
        used = history.redeemed(row, after)
        if dice.random() < 0.2:
            history.reversed(used, min(after + dt.timedelta(minutes=20), now))
    elif fate < 0.6 and row.kind == "gift_card":
        history.redeemed(row, after, 100_00)


def _request(
    world: World,
    history: History,
    case: object,
    by: Staff,
    dice: random.Random,
    now: dt.datetime,
) -> None:
    """A request that ended without a grant, or that waits."""
    asked = now - dt.timedelta(days=20 * dice.random())
    state = dice.choice(("rejected", "withdrawn", "lapsed", "pending"))
    if state != "pending":
        ended = min(asked + dt.timedelta(hours=20 * dice.random()), now)
        history.asked(case, asked, state, ended, granted_by=by, team_id=by.team_id)  # type: ignore[arg-type]
        return
    row = history._row(case, "large", 900_00, by, created_at=asked)  # type: ignore[arg-type]
    row.state = "requested"
    row.id = id_at(asked)
    row.save(force_insert=True)
    Approval.objects.create(
        market=row.market,
        compensation=row,
        content={},
        content_hash=b"0" * 32,
        reason="Vuelo perdido",
        requested_at=asked,
        requested_by=by,
        lapses_at=now + dt.timedelta(hours=4),
    )
