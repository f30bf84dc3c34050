"""What a nightly report says of one local day of a market, as plain data that sorts and repeats.

Ids, words of the code and integers only: names are looked up when it is read, in the reader's
language, so that a new name or a forgotten customer does not make it another report. Amounts are
minor units of the market's currency; shares are basis points. Nothing in it tells when it was made.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from django.db import connection

from accounts.models import Market
from audit.models import AuditEvent
from common.windows import day_bounds, window_start
from compensations.states import TOPIC, Account
from compensations.stops import RESUMED, STOPPED

from .. import night_sql
from ..rolling_sql import ISSUANCE_MEASURES
from .rollups import Filters, issuance_rows

FORM = 1
# Peers are compared over these weeks, pairs over these days; both end with the report's day.
PEER_WEEKS = 4
PAIR_DAYS = 30
# A team's list in a report ends here; the report says how many there are in all.
LONGEST = 50
# Too little: half as many cases compensated as peers did in the same mix, from so many cases; or
# below this share of the peers' mean, from so many compensations.
FEWEST_CASES, SHARE_FLOOR = 5, Fraction(1, 2)
FEWEST_GIVEN, MEAN_FLOOR = 3, Fraction(3, 5)

# The measure of the report that each event of the ledger must equal.
LEDGER_MEASURES = {
    "issue": "issued_face",
    "void": "voided_face",
    "redeem": "redeemed_value",
    "reverse": "reversed_value",
    "expire": "expired_value",
}
# What has no code ends without a redemption; see `night_sql.LEDGER`.
SETTLED = "settle"

Person = tuple[int | None, uuid.UUID | None]
Rows = list[tuple[Any, ...]]


def day_content(market: Market, date: dt.date) -> dict[str, Any]:
    """The report's content; the caller has rolled the day in the same transaction."""
    starts, ends = day_bounds(date, market.time_zone)
    values = {
        "market": market.pk,
        "date": date,
        "starts": starts,
        "ends": ends,
        "since": day_bounds(date - dt.timedelta(days=PAIR_DAYS - 1), market.time_zone)[0],
        "weeks": PEER_WEEKS,
        "topic": TOPIC,
        "accounts": list(Account.values),
        **{window: window_start(window, date) for window in ("day", "week", "month")},
    }
    people = _People()
    issuance = issuance_rows(
        Filters(market=market, start=date, end=date + dt.timedelta(days=1)),
        ["team", "staff", "category", "severity", "kind", "is_statutory"],
    )
    people.add_issuance(issuance)
    people.add_cases(_ask(night_sql.CASES, values))
    people.add_peers(_ask(night_sql.PEERS, values))
    budgets = people.add_limits(_ask(night_sql.LIMITS, values))
    failures = _ask(night_sql.FAILURES, values)
    for team, staff, *_rest in failures:
        people.of(team, staff)["failed"] += 1
    promises = _ask(night_sql.PROMISES, values)
    for team, owner, *_rest in promises:
        people.of(team, owner)["promises"] += 1
    totals = _summed(issuance)
    ledger = _reconciled(market, totals, _ask(night_sql.LEDGER, values))
    return {
        "form": FORM,
        "market": market.code,
        "date": date.isoformat(),
        "currency": market.currency,
        "hours": round((ends - starts).total_seconds() / 3600),
        "totals": {**totals, **people.case_totals()},
        "kinds": _by(issuance, "kind", "is_statutory"),
        "reasons": _by(issuance, "category"),
        "teams": people.teams(budgets),
        "decisions": _sorted(
            [_id(team), _id(by), approved, value, rejected]
            for team, by, approved, value, rejected in _ask(night_sql.DECISIONS, values)
        ),
        "voids": _longest(_ask(night_sql.VOIDS, values), by_value=5),
        "failures": _longest(failures),
        "pairs": _longest(_ask(night_sql.PAIRS, values), by_value=3),
        "promises": _longest(promises),
        "too_little": people.too_little(),
        "scales": [list(map(_id, row)) for row in sorted(_ask(night_sql.SCALES, values))],
        "limits": [list(map(_id, row)) for row in sorted(_ask(night_sql.LIMITS_CHANGED, values))],
        "stops": _stops(market, starts, ends),
        "ledger": ledger,
        "difference": sum(abs(difference) for *_said, difference in ledger),
    }


def digest_of(content: dict[str, Any]) -> bytes:
    """SHA-256 of the content's canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def _ask(statement: str, values: dict[str, Any]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: Rows = cursor.fetchall()
    return rows


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value


def _key(row: Sequence[Any]) -> tuple[tuple[bool, Any], ...]:
    """Sorts rows that may hold nothing in a place: nothing comes last."""
    return tuple((value is None, "" if value is None else value) for value in row)


def _sorted(rows: Iterable[list[Any]]) -> list[list[Any]]:
    return sorted(rows, key=_key)


def _longest(rows: Rows, *, by_value: int | None = None) -> list[dict[str, Any]]:
    """For each team (the rows' first place) how many, and the first of them.

    By the value in a place where there is one, the largest first.
    """
    plain = _sorted([_id(value) for value in row] for row in rows)
    if by_value is not None:
        plain.sort(key=lambda row: -row[by_value])
    teams: dict[int | None, list[list[Any]]] = defaultdict(list)
    for team, *row in plain:
        teams[team].append(row)
    return [
        {"team": team, "count": len(teams[team]), "rows": teams[team][:LONGEST]}
        for team in sorted(teams, key=lambda team: (team is None, team))
    ]


def _summed(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    sums = dict.fromkeys(ISSUANCE_MEASURES, 0)
    for row in rows:
        for measure in ISSUANCE_MEASURES:
            sums[measure] += row[measure]
    return sums


def _by(rows: Iterable[dict[str, Any]], *keys: str) -> list[list[Any]]:
    """What was issued by some keys: the keys, how many, face and expected value."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row["issued"]:
            cell = found[tuple(row[key] for key in keys)]
            cell[0] += row["issued"]
            cell[1] += row["issued_face"]
            cell[2] += row["issued_expected"]
    return _sorted([*key, *cell] for key, cell in found.items())


def _reconciled(market: Market, totals: dict[str, int], moved: Rows) -> list[list[Any]]:
    """For each event and currency: the report's sum, the ledger's, and the difference."""
    ledger = {(event, currency): total for event, currency, total, _settled in moved}
    said = {(event, market.currency): totals[measure] for event, measure in LEDGER_MEASURES.items()}
    for event, currency, _total, settled in moved:
        if event == SETTLED:
            said[event, currency] = settled
    return [
        [*key, said.get(key, 0), ledger.get(key, 0), said.get(key, 0) - ledger.get(key, 0)]
        for key in sorted(said.keys() | ledger.keys())
    ]


def _stops(market: Market, starts: dt.datetime, ends: dt.datetime) -> list[list[Any]]:
    """The stop switch thrown and lifted that day, in order: act, who, the UTC minute, why."""
    rows = AuditEvent.objects.filter(
        object_id=str(market.pk),
        object_kind="market",
        act__in=[STOPPED, RESUMED],
        at__gte=starts,
        at__lt=ends,
    ).order_by("id")
    return [
        [row.act, row.actor_id, row.at.astimezone(dt.UTC).isoformat("T", "minutes"), row.reason]
        for row in rows
    ]


class _People:
    """The figures of each person in each team; a case without an owner is nobody's."""

    def __init__(self) -> None:
        self._people: dict[Person, dict[str, Any]] = {}
        self._mix: dict[tuple[int, str], list[tuple[Person, int, int]]] = defaultdict(list)

    def of(self, team: int | None, staff: uuid.UUID | None) -> dict[str, Any]:
        key = (team, staff)
        if key not in self._people:
            self._people[key] = {
                "staff": _id(staff),
                **dict.fromkeys(ISSUANCE_MEASURES, 0),
                **dict.fromkeys(("cases", "compensated", "failed", "promises"), 0),
                **dict.fromkeys(("goodwill", "goodwill_face"), 0),
                "kinds": [],
                "reasons": [],
                "limit": None,
                "mean": None,
                "peer_mean": None,
                "peers": 0,
            }
        return self._people[key]

    def add_issuance(self, rows: Sequence[dict[str, Any]]) -> None:
        each: dict[Person, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            each[row["team"], row["staff"]].append(row)
        for key, theirs in each.items():
            person = self.of(*key)
            person.update(_summed(theirs))
            goodwill = [row for row in theirs if not row["is_statutory"]]
            person["goodwill"] = sum(row["issued"] for row in goodwill)
            person["goodwill_face"] = sum(row["issued_face"] for row in goodwill)
            if person["goodwill"]:
                person["mean"] = round(Fraction(person["goodwill_face"], person["goodwill"]))
            person["kinds"] = _by(theirs, "kind", "is_statutory")
            person["reasons"] = _by(theirs, "category")

    def add_cases(self, rows: Rows) -> None:
        for team, owner, category, severity, cases, compensated in rows:
            person = self.of(team, owner)
            person["cases"] += cases
            person["compensated"] += compensated
            self._mix[category, severity].append(((team, owner), cases, compensated))

    def add_peers(self, rows: Rows) -> None:
        """A person who gave in two teams is compared as one, in both."""
        peers = {staff: (total, covered, others) for staff, total, covered, others in rows}
        for (_team, staff), person in self._people.items():
            if staff in peers and person["goodwill"]:
                total, covered, others = peers[staff]
                person["peer_mean"] = round(Fraction(total, covered))
                person["peers"] = others

    def add_limits(self, rows: Rows) -> dict[str, list[Any]]:
        """Each person's tightest limit; returns the tightest of each team, which is its budget."""
        tightest: dict[tuple[str, str], tuple[int, list[Any]]] = {}
        for scope, subject, limit, window, measure, used, cap in rows:
            share = used * 10_000 // cap if cap else 10_000
            found = [limit, window, measure, used, cap, share]
            if share > tightest.get((scope, subject), (-1, []))[0]:
                tightest[scope, subject] = (share, found)
        for (_team, staff), person in self._people.items():
            _share, person["limit"] = tightest.get(("agent", str(staff)), (0, None))
        return {
            subject: found
            for (scope, subject), (_share, found) in tightest.items()
            if scope == "team"
        }

    def case_totals(self) -> dict[str, int]:
        return {
            name: sum(person[name] for person in self._people.values())
            for name in ("cases", "compensated", "failed", "promises", "goodwill", "goodwill_face")
        }

    def teams(self, budgets: dict[str, list[Any]]) -> list[dict[str, Any]]:
        each: dict[int | None, list[dict[str, Any]]] = defaultdict(list)
        for (team, _staff), person in self._people.items():
            each[team].append(person)
        return [
            {
                "team": team,
                "budget": budgets.get(str(team)),
                "people": sorted(each[team], key=lambda person: _key([person["staff"]])),
            }
            for team in sorted(each, key=lambda team: (team is None, team))
        ]

    def too_little(self) -> list[list[Any]]:
        """Team, person, why, theirs and the peers': cases compensated, or mean value."""
        found: list[list[Any]] = []
        expected = self._expected_compensated()
        for key, person in self._people.items():
            team, staff = key
            if staff is None:
                continue
            usual = expected.get(key, Fraction(0))
            if person["cases"] >= FEWEST_CASES and person["compensated"] < usual * SHARE_FLOOR:
                cases = [person["cases"], person["compensated"], round(usual * 10)]
                found.append([team, str(staff), "share", *cases])
            mean, peers = person["mean"], person["peer_mean"]
            few = person["goodwill"] < FEWEST_GIVEN
            if not few and peers is not None and mean < peers * MEAN_FLOOR:
                found.append([team, str(staff), "mean", person["goodwill"], mean, peers])
        return _sorted(found)

    def _expected_compensated(self) -> dict[Person, Fraction]:
        """How many of a person's cases peers would have compensated, cell by cell of that day."""
        expected: dict[Person, Fraction] = defaultdict(Fraction)
        for rows in self._mix.values():
            all_cases = sum(cases for _key, cases, _compensated in rows)
            all_given = sum(compensated for _key, _cases, compensated in rows)
            for key, cases, compensated in rows:
                if all_cases > cases:
                    expected[key] += Fraction(cases * (all_given - compensated), all_cases - cases)
        return expected
