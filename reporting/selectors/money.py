"""What the company owes its customers, and the journal of how it came to it. Minor units.

Owed is what is open now: compensations that are issued, less what was used of them. The same rows
are counted by kind, by age and by the days left, and listed, so that every figure has its list.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Market
from common.windows import day_bounds, local_date
from compensations.book import EVER, balances, moved
from compensations.states import REFUND_KINDS, Account, LedgerEvent

# Days since issue: the last one of each span, and what follows it.
AGES: tuple[int, ...] = (30, 60, 90, 180)
# Days until the last valid one, today being the first.
SPANS: tuple[int, ...] = (7, 30, 60, 90)

AGE_NAMES: dict[str, Promise] = {
    "30": _("0 to 30 days"),
    "60": _("31 to 60 days"),
    "90": _("61 to 90 days"),
    "180": _("91 to 180 days"),
    "more": _("181 days and more"),
}
END_NAMES: dict[str, Promise] = {
    "past": _("Past its date"),
    "7": _("Within 7 days"),
    "30": _("8 to 30 days"),
    "60": _("31 to 60 days"),
    "90": _("61 to 90 days"),
    "more": _("91 days and more"),
    "none": _("No date"),
}


@dataclass(frozen=True, slots=True)
class Open:
    """Which open compensations: empty for all. `owed` is `liability` or `refunds`."""

    owed: str = "liability"
    kind: str = ""
    nature: str = ""  # goodwill or statutory
    age: str = ""  # a name of AGE_NAMES
    ends: str = ""  # a name of END_NAMES


@dataclass(frozen=True, slots=True)
class Owed:
    """How many are open, what they are worth, and what finance expects them to cost."""

    count: int = 0
    face: int = 0
    expected: int = 0

    def __add__(self, other: "Owed") -> "Owed":
        return Owed(
            self.count + other.count, self.face + other.face, self.expected + other.expected
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the count, in which every other figure is a sum."""

    owed: str
    kind: str
    nature: str
    age: str
    ends: str
    sum: Owed


@dataclass(frozen=True, slots=True)
class Liability:
    """What is owed at one moment, in cells, beside what the ledger says is owed."""

    at: dt.datetime
    cells: list[Cell]
    ledger: int
    ledger_refunds: int

    def total(self, chosen: Open) -> Owed:
        wanted = {
            name: value
            for name in ("owed", "kind", "nature", "age", "ends")
            if (value := getattr(chosen, name))
        }
        return sum(
            (
                cell.sum
                for cell in self.cells
                if all(getattr(cell, name) == value for name, value in wanted.items())
            ),
            Owed(),
        )

    @property
    def difference(self) -> int:
        """Open compensations less the ledger's balances; zero on every sound day."""
        return (
            self.total(Open()).face
            + self.total(Open(owed="refunds")).face
            - self.ledger
            - self.ledger_refunds
        )


# What is left of each open compensation. Only a card that is partly used is worth less than it was
# given for, and is expected to cost the same share less; those few are read first.
_OPEN = """
    SELECT given.id, given.kind, given.issued_at, given.expires_at, given.is_statutory,
        given.face_minor - COALESCE(used.minor, 0) AS face,
        given.expected_cost_minor - COALESCE(
            round(given.expected_cost_minor::numeric * used.minor / NULLIF(given.face_minor, 0)),
            0)::bigint AS expected
    FROM compensations_compensation given
    LEFT JOIN (
        SELECT compensation_id, value_minor - balance_minor AS minor FROM compensations_coupon
        WHERE market_id = %(market)s AND keeps_balance AND state IN ('issued', 'reserved')
            AND balance_minor < value_minor
    ) used ON used.compensation_id = given.id
    WHERE given.market_id = %(market)s AND given.state = 'issued'
"""
_COUNT = f"""
    SELECT kind, is_statutory,
        width_bucket(issued_at, %(ages)s::timestamptz[]),
        width_bucket(expires_at - interval '1 microsecond', %(ends)s::timestamptz[]),
        count(*), sum(face)::bigint, sum(expected)::bigint
    FROM ({_OPEN}) open GROUP BY 1, 2, 3, 4
"""  # noqa: S608


def _bounds(market: Market, now: dt.datetime) -> tuple[list[dt.datetime], list[dt.datetime]]:
    """The moments between the ages, ascending, and between the days left, now first."""
    today = local_date(now, market.time_zone)

    def start(days: int) -> dt.datetime:
        return day_bounds(today + dt.timedelta(days=days), market.time_zone)[0]

    return [start(-days) for days in reversed(AGES)], [now, *(start(days) for days in SPANS)]


def liability(market: Market, now: dt.datetime) -> Liability:
    """What is owed at an aware moment, which is the present one but for a test.

    The caller lets both reads see one moment.
    """
    ages, ends = _bounds(market, now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"market": market.pk, "ages": ages, "ends": ends})
        rows = cursor.fetchall()
    age_names, end_names = list(reversed(AGE_NAMES)), list(END_NAMES)
    cells = [
        Cell(
            owed="refunds" if kind in REFUND_KINDS else "liability",
            kind=kind,
            nature="statutory" if statutory else "goodwill",
            age=age_names[age],
            ends="none" if end is None else end_names[end],
            sum=Owed(count, face, expected),
        )
        for kind, statutory, age, end, count, face, expected in rows
    ]
    book = balances(market, local_date(now, market.time_zone))
    return Liability(now, cells, -book[Account.LIABILITY], -book[Account.REFUNDS])


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One open compensation of a list."""

    id: uuid.UUID
    kind: str
    is_statutory: bool
    issued_at: dt.datetime
    expires_at: dt.datetime | None
    face: int
    expected: int
    folio: str
    offer_es: str
    offer_en: str
    customer: str
    staff: str


Key = tuple[dt.datetime, uuid.UUID]


def _between(
    column: str,
    bounds: list[dt.datetime],
    place: int,
    values: dict[str, Any],
    upto: str,
) -> list[str]:
    """The conditions of the span at `place` among those that the bounds part."""
    found = []
    if place > 0:
        values[f"{column}_from"] = bounds[place - 1]
        found.append(f"{column} {'>=' if upto == '<' else '>'} %({column}_from)s")
    if place < len(bounds):
        values[f"{column}_to"] = bounds[place]
        found.append(f"{column} {upto} %({column}_to)s")
    return found


def open_rows(
    market: Market, chosen: Open, now: dt.datetime, *, after: Key | None = None, limit: int = 50
) -> list[OpenRow]:
    """The open compensations of a figure, oldest first, after the row of that key."""
    ages, ends = _bounds(market, now)
    values: dict[str, Any] = {
        "market": market.pk,
        "limit": limit,
        "refunds": sorted(REFUND_KINDS),
        "kind": chosen.kind,
    }
    where = ["(kind = ANY(%(refunds)s)) = " + ("TRUE" if chosen.owed == "refunds" else "FALSE")]
    if chosen.kind:
        where.append("kind = %(kind)s")
    if chosen.nature:
        where.append("is_statutory" if chosen.nature == "statutory" else "NOT is_statutory")
    if chosen.age:
        place = list(reversed(AGE_NAMES)).index(chosen.age)
        where += _between("issued_at", ages, place, values, "<")
    if chosen.ends == "none":
        where.append("expires_at IS NULL")
    elif chosen.ends:
        # An end is exclusive: what ends at a bound was valid on the day before it.
        where += _between("expires_at", ends, list(END_NAMES).index(chosen.ends), values, "<=")
    if after is not None:
        values["at"], values["id"] = after
        where.append("(issued_at, id) > (%(at)s, %(id)s::uuid)")
    # The conditions are those above; whatever a person chose is a value.
    statement = f"""
        SELECT open.id, open.kind, open.is_statutory, open.issued_at, open.expires_at, open.face,
            open.expected, incident.folio, offer.name_es, offer.name_en, customer.name, staff.name
        FROM (
            SELECT * FROM ({_OPEN}) every WHERE {" AND ".join(where)}
            ORDER BY issued_at, id LIMIT %(limit)s
        ) open
        JOIN compensations_compensation given ON given.id = open.id
        JOIN compensations_offer offer ON offer.id = given.offer_id
        JOIN incidents_incident incident ON incident.id = given.incident_id
        JOIN incidents_customer customer ON customer.id = given.customer_id
        JOIN accounts_staff staff ON staff.id = given.granted_by_id
        ORDER BY open.issued_at, open.id
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [OpenRow(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class DayBalance:
    """What was owed when a local date ended."""

    date: dt.date
    liability: int
    refunds: int


def trend(market: Market, until: dt.date, days: int) -> list[DayBalance]:
    """The ledger's balances at the end of each of the last `days` local dates, oldest first."""
    start = until - dt.timedelta(days=days - 1)
    accounts = [Account.LIABILITY, Account.REFUNDS]
    level = dict.fromkeys(accounts, 0)
    for row in moved(market, EVER, start, by=["account"], accounts=accounts):
        level[Account(row.account)] = -row.net
    steps = {
        (row.date, row.account): -row.net
        for row in moved(
            market,
            start,
            until + dt.timedelta(days=1),
            by=["date", "account"],
            accounts=accounts,
        )
    }
    found = []
    for number in range(days):
        date = start + dt.timedelta(days=number)
        for account in accounts:
            level[account] += steps.get((date, str(account)), 0)
        found.append(DayBalance(date, level[Account.LIABILITY], level[Account.REFUNDS]))
    return found


def breakage(market: Market, start: dt.date, end: dt.date) -> int:
    """What expired unused from a local date until before another."""
    (row,) = moved(market, start, end, accounts=[Account.BREAKAGE])
    return -row.net


# Every transaction has one entry on each of these accounts, or on one of them: enough to find it,
# in an order that an index keeps.
_SIDES: dict[str, tuple[Account, ...]] = {
    "": (Account.LIABILITY, Account.REFUNDS),
    LedgerEvent.ISSUE: (Account.GOODWILL, Account.STATUTORY),
    LedgerEvent.VOID: (Account.GOODWILL, Account.STATUTORY),
    LedgerEvent.REDEEM: (Account.CLEARING,),
    LedgerEvent.REVERSE: (Account.CLEARING,),
    LedgerEvent.EXPIRE: (Account.BREAKAGE,),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a market's journal: local dates from `start` to `end`, both included."""

    market: Market
    start: dt.date
    end: dt.date
    account: str = ""
    event: str = ""

    @property
    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """The UTC moments at which it begins and ends (exclusive)."""
        zone = self.market.time_zone
        return day_bounds(self.start, zone)[0], day_bounds(self.end, zone)[1]


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transaction; debits positive."""

    id: int
    account: str
    minor: int


@dataclass(frozen=True, slots=True)
class Booking:
    """One transaction with its entries, the debit first."""

    transaction: uuid.UUID
    id: int  # of the entry by which it was found; with `at` the key of a page
    at: dt.datetime
    event: str
    currency: str
    compensation: uuid.UUID
    kind: str
    folio: str
    entries: list[Entry]

    @property
    def minor(self) -> int:
        return sum(entry.minor for entry in self.entries if entry.minor > 0)


BookKey = tuple[dt.datetime, int]


def bookings(
    span: Span, *, after: BookKey | None = None, newest_first: bool = True, limit: int = 50
) -> list[Booking]:
    """Transactions of a part of the journal beyond the one of that key."""
    accounts = _SIDES[span.event]
    conditions = "AND event = %(event)s" if span.event else ""
    if span.account and (not span.event or span.account in accounts):
        accounts = (Account(span.account),)
    elif span.account:
        # An entry on a busy account is found by its rarer other side.
        conditions += """ AND EXISTS (
            SELECT 1 FROM compensations_ledgerentry other
            WHERE other.compensation_id = side.compensation_id
                AND other.transaction = side.transaction AND other.account = %(account)s)"""
    start, end = span.bounds
    values: dict[str, Any] = {
        "market": span.market.pk,
        "start": start,
        "end": end,
        "event": span.event,
        "account": span.account,
        "limit": limit,
    }
    order, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
    if after is not None:
        values["at"], values["id"] = after
        conditions += f" AND (at, id) {beyond} (%(at)s, %(id)s)"
    sides = []
    for number, account in enumerate(accounts):
        values[f"account_{number}"] = str(account)
        # Directions and names are the code's; whatever a person chose is a value.
        sides.append(
            f"""(SELECT transaction, id, at, event, currency, compensation_id
            FROM compensations_ledgerentry side
            WHERE market_id = %(market)s AND account = %(account_{number})s
                AND at >= %(start)s AND at < %(end)s {conditions}
            ORDER BY at {order}, id {order} LIMIT %(limit)s)"""  # noqa: S608
        )
    statement = f"""
        SELECT found.*, given.kind, incident.folio, pair.id, pair.account, pair.amount_minor
        FROM (
            SELECT * FROM ({" UNION ALL ".join(sides)}) side
            ORDER BY at {order}, id {order} LIMIT %(limit)s
        ) found
        JOIN compensations_ledgerentry pair ON pair.compensation_id = found.compensation_id
            AND pair.transaction = found.transaction
        JOIN compensations_compensation given ON given.id = found.compensation_id
        JOIN incidents_incident incident ON incident.id = given.incident_id
        ORDER BY found.at {order}, found.id {order}, pair.amount_minor DESC, pair.id
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    return [
        Booking(*(*head, [Entry(*row[8:]) for row in pairs]))
        for head, pairs in groupby(rows, key=lambda row: tuple(row[:8]))
    ]


def all_bookings(span: Span, *, chunk: int = 1_000) -> Iterator[Booking]:
    """The whole part, oldest first, a page at a time: memory stays that of one page.

    Entries are only added, so that what was read stays true; each page is a statement of its own
    and holds nothing while a slow reader takes the one before.
    """
    after: BookKey | None = None
    while page := bookings(span, after=after, newest_first=False, limit=chunk):
        yield from page
        after = page[-1].at, page[-1].id


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account over a span: how it opened, what moved, how it closed; debits positive."""

    account: str
    opening: int
    debit: int
    credit: int
    entries: int

    @property
    def closing(self) -> int:
        return self.opening + self.debit - self.credit

    @property
    def label(self) -> str:
        return str(Account(self.account).label)


def trial_balance(span: Span) -> list[AccountLine]:
    """Every account over the span, of the event where one is chosen. Each column of signed sums is
    zero over all accounts."""
    events = [span.event] if span.event else list(LedgerEvent)
    before = {
        row.account: row.net
        for row in moved(span.market, EVER, span.start, by=["account"], events=events)
    }
    during = {
        row.account: row
        for row in moved(
            span.market,
            span.start,
            span.end + dt.timedelta(days=1),
            by=["account"],
            events=events,
        )
    }
    found = []
    for account in Account:
        row = during.get(account.value)
        found.append(
            AccountLine(
                account.value,
                before.get(account.value, 0),
                row.debit if row else 0,
                row.credit if row else 0,
                row.entries if row else 0,
            )
        )
    return found
