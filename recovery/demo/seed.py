"""Builds the whole demo company in one transaction: all of it is there, or nothing."""

import datetime as dt
import random
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Market

from . import content, guidance, scales
from .company import Builder, DemoMarket
from .customers import Customers
from .grants import Grants
from .history import History
from .ids import HistoricIds
from .limits import Counters, Limits
from .outbox import Outbox
from .requests import Requests
from .rhythm import moments
from .stories import Stories
from .tables import Tables
from .trail import Trail

FOUNDED_DAYS = 130
DEFAULT_SEED = 2026


class AlreadyThere(Exception):
    """The database holds a company."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much history each market gets."""

    incidents: int = 6_000
    customers: int = 3_500


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was inserted."""

    incidents: int
    rows: int


def has_company() -> bool:
    """Whether any market exists."""
    return Market.objects.exists()


class _Sources:
    """A generator for each purpose, so that one more draw here changes nothing there."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def rng(self, name: str) -> random.Random:
        # Invents people and moments; nothing secret comes from it.
        return random.Random(f"{self._seed} {name}")  # noqa: S311

    def ids(self, name: str) -> HistoricIds:
        return HistoricIds(self.rng(f"{name} ids"))


@transaction.atomic
def seed_company(*, seed: int, now: dt.datetime, size: Size | None = None) -> Seeded:
    """Inserts the demo company as it would stand at the aware moment `now`.

    The same seed and moment give the same company, codes of coupons apart: those are random and
    secret as everywhere. Raises AlreadyThere where the database has a market.
    """
    if has_company():
        raise AlreadyThere
    size = size or Size()
    sources = _Sources(seed)
    trail, tables = Trail(), Tables()
    builder = Builder(
        rng=sources.rng("company"),
        ids=sources.ids("company"),
        trail=trail,
        founded=now - dt.timedelta(days=FOUNDED_DAYS),
    )
    incidents = rows = 0
    used: list[Counters] = []
    for market in builder.build(content.company()):
        cases, loaded, counters = _past(
            market, sources, now=now, size=size, tables=tables, trail=trail
        )
        incidents += cases
        rows += loaded
        used.append(counters)
    rows += tables.load() + trail.load()
    # What was taken from a limit is of a compensation that is there.
    rows += sum(counters.load() for counters in used)
    return Seeded(incidents, rows)


def _past(
    market: DemoMarket,
    sources: _Sources,
    *,
    now: dt.datetime,
    size: Size,
    tables: Tables,
    trail: Trail,
) -> tuple[int, int, Counters]:
    """One market's guidance, scale, limits and history: cases, rows loaded, what limits lost."""
    code = market.code
    topics = guidance.categories(market)
    guidance.playbooks(market, topics, now=now, rng=sources.rng(f"{code} readers"), trail=trail)
    versions = scales.publish(market, topics, now=now, trail=trail)
    Limits(market, now=now, trail=trail).insert()
    counters = Counters(market, ids=sources.ids(f"{code} counters"), now=now)
    customers = Customers(
        market,
        count=size.customers,
        now=now,
        rng=sources.rng(f"{code} customers"),
        ids=sources.ids(f"{code} customers"),
        trail=trail,
    )
    stories = Stories(market, topics, sources.rng(f"{code} stories"))
    outbox = Outbox(
        market,
        now=now,
        rng=sources.rng(f"{code} outbox"),
        ids=sources.ids(f"{code} outbox"),
        tables=tables,
        trail=trail,
    )
    grants = Grants(
        market,
        versions,
        counters,
        outbox,
        stories,
        now=now,
        rng=sources.rng(f"{code} grants"),
        ids=sources.ids(f"{code} grants"),
        tables=tables,
        trail=trail,
    )
    requests = Requests(
        market,
        grants,
        counters,
        now=now,
        rng=sources.rng(f"{code} requests"),
        ids=sources.ids(f"{code} requests"),
        tables=tables,
        trail=trail,
    )
    history = History(
        market,
        customers,
        stories,
        grants,
        requests,
        now=now,
        rng=sources.rng(f"{code} history"),
        ids=sources.ids(f"{code} history"),
        tables=tables,
        trail=trail,
    )
    cases = history.write(
        moments(
            market.words.content,
            market.row.time_zone,
            now=now,
            count=size.incidents,
            rng=sources.rng(f"{code} rhythm"),
        )
    )
    return cases, customers.load(now), counters
