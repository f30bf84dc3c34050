"""The dashboard of issuance over a long history and over a short one: the same day's work, ten
times the days.

Two markets of five hundred agents each, a thousand compensations a day. Every day before today is
rolled as at night; today is counted live. Both are asked for by turns, so that whatever else the
machine does is in both. The page is a market as finance sees it: the widest there is. What is
held to a budget is the ratio of the two.
"""

import datetime as dt
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Location
from common.windows import local_date
from compensations.models import Offer
from compensations.tests.scenario import Company, build
from incidents.models import Category
from reporting.actions.rolling import roll_day

from .company import furnish
from .plans import Plan, plan_of
from .rebuilding import without_indexes
from .table import Row

A_DAY = 1000
AGENTS, TEAMS = 500, 25
AIM = 150  # milliseconds at the 95th percentile
RATIO = 1.2
SAMPLES, WARM_UP = 40, 5
TABLES = (
    "incidents_customer",
    "incidents_incident",
    "compensations_compensation",
    "compensations_coupon",
    "compensations_redemption",
    "compensations_approval",
)
PAGES = {
    "this month": "/reports/issuance/?period=30",
    "one team": "/reports/issuance/?period=30&team={team}",
    "yesterday": "/reports/issuance/?period=yesterday",
}

_TOOLS = """
CREATE OR REPLACE FUNCTION bench_key(moment timestamptz, salt text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(salt), 1, 3) || '9' || substr(md5(salt), 4, 15))::uuid
$$;
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
SET synchronous_commit = off;
SET statement_timeout = 0;
SELECT setseed(0.42);
"""

_CUSTOMERS = """
INSERT INTO incidents_customer (id, market_id, name, language, segment, preferred_channel,
    external_ref, created_at)
SELECT md5(%(code)s || 'customer' || n)::uuid, %(market)s, 'Cliente ' || n, 'es', 'standard',
    'email', '', now() - %(days)s * interval '1 day'
FROM generate_series(1, %(customers)s) AS n
"""

# Three cases for two compensations; the odd third has none.
_INCIDENTS = """
INSERT INTO incidents_incident (id, market_id, folio, customer_id, kind, category_id, severity,
    suggested_severity, severity_reason, narrative, channel, location_id, order_ref, currency,
    state, owner_id, team_id, logged_at, logged_by_id, compensate_due_at, resolve_due_at,
    compensated_at, resolved_at, resolution, source, source_ref, version)
SELECT bench_key(at, %(code)s || i), %(market)s, %(code)s || '-' || i,
    md5(%(code)s || 'customer' || (1 + i::bigint * 7919 %% %(customers)s))::uuid, 'claim',
    (%(categories)s::bigint[])[1 + floor(power(random(), 2) * %(kinds)s)::int], severity, severity,
    '', 'El cuarto no estaba listo.', (ARRAY['phone', 'counter', 'email', 'whatsapp'])[1 + i %% 4],
    (%(locations)s::bigint[])[1 + i %% %(places)s], '', %(currency)s, 'resolved',
    (%(agents)s::uuid[])[agent], (%(teams)s::bigint[])[agent], at, (%(agents)s::uuid[])[agent],
    at + interval '1 hour', at + interval '1 day',
    CASE WHEN i %% 3 > 0 THEN at + random() * interval '66 minutes' END,
    at + interval '5 hours', 'Listo.', '', '', 1
FROM (
    SELECT i, now() - %(days)s * interval '1 day' * (1 - i::float / %(cases)s)
            - interval '1 second' AS at,
        1 + floor(random() * %(people)s)::int AS agent,
        (ARRAY['minor', 'moderate', 'moderate', 'critical'])[1 + floor(random() * 4)::int]
            AS severity
    FROM generate_series(1, %(cases)s) AS i
) AS drawn
"""

_COMPENSATIONS = """
INSERT INTO compensations_compensation (id, market_id, incident_id, customer_id, version_id,
    rule_id, offer_id, kind, is_statutory, face_minor, expected_cost_minor, currency, state,
    granted_by_id, team_id, location_id, category_id, severity, channel, note, created_at,
    issued_at, expires_at, ended_at, void_reason, voided_by_id)
SELECT bench_key(at, 'c' || id), market_id, id, customer_id, %(version)s, %(rule)s, %(offer)s, kind,
    kind = 'full_refund', face, face * 3 / 5, currency, state, owner_id, team_id, location_id,
    category_id, severity, channel, '', at, at,
    CASE WHEN is_coupon THEN at + interval '90 days' END,
    CASE state WHEN 'settled' THEN at + interval '9 days' WHEN 'voided' THEN at + interval '1 hour'
        WHEN 'expired' THEN at + interval '90 days' END,
    CASE state WHEN 'voided' THEN 'Error' ELSE '' END,
    CASE state WHEN 'voided' THEN %(chief)s::uuid END
FROM (
    SELECT *, kind NOT IN ('points', 'full_refund') AS is_coupon,
        CASE WHEN dice < 0.02 AND at < now() - interval '1 hour' THEN 'voided'
             WHEN kind IN ('points', 'full_refund') THEN 'settled'
             WHEN dice < 0.55 AND at < now() - interval '9 days' THEN 'settled'
             WHEN at < now() - interval '90 days' THEN 'expired'
             ELSE 'issued' END AS state
    FROM (
        SELECT id, market_id, customer_id, currency, owner_id, team_id, location_id, category_id,
            severity, channel, least(compensated_at, now()) AS at, random() AS dice,
            (100 + floor(random() * 40)::int * 20) * 100 AS face,
            (ARRAY['coupon', 'coupon', 'coupon', 'coupon', 'courtesy', 'courtesy', 'gift_card',
                   'points', 'full_refund', 'invitation'])[1 + floor(random() * 10)::int] AS kind
        FROM incidents_incident WHERE market_id = %(market)s AND compensated_at IS NOT NULL
    ) AS compensated
) AS granted
"""

_COUPONS = """
INSERT INTO compensations_coupon (id, compensation_id, market_id, code_hash, hash_key_id, last_four,
    cipher_key_id, state, currency, value_minor, balance_minor, keeps_balance, usable_at,
    expires_at)
SELECT bench_key(issued_at, 'q' || id), id, market_id, sha256(uuid_send(id)), '1', '0000', '',
    CASE state WHEN 'settled' THEN 'redeemed' ELSE state END, currency, face_minor,
    CASE state WHEN 'settled' THEN 0 ELSE face_minor END, kind = 'gift_card', '[]', expires_at
FROM compensations_compensation WHERE market_id = %(market)s AND expires_at IS NOT NULL
"""

_REDEMPTIONS = """
INSERT INTO compensations_redemption (id, coupon_id, market_id, amount_minor, currency, client_id,
    external_transaction_id, created_at)
SELECT bench_key(given.ended_at, 'r' || given.id), coupon.id, given.market_id, given.face_minor,
    given.currency, %(till)s, given.id::text, given.ended_at
FROM compensations_compensation given
JOIN compensations_coupon coupon ON coupon.compensation_id = given.id
WHERE given.market_id = %(market)s AND given.state = 'settled'
"""

_APPROVALS = """
INSERT INTO compensations_approval (id, market_id, compensation_id, content, content_hash, level,
    reason, state, requested_at, requested_by_id, lapses_at, decided_at, decided_by_id,
    decision_reason)
SELECT bench_key(issued_at, 'a' || id), market_id, id, '{}', sha256(uuid_send(id)), 1, 'Pide más',
    'approved', issued_at, granted_by_id, issued_at + interval '1 day', issued_at, %(chief)s, ''
FROM compensations_compensation WHERE market_id = %(market)s AND random() < 0.03
"""

STATEMENTS = (_CUSTOMERS, _INCIDENTS, _COMPENSATIONS, _COUPONS, _REDEMPTIONS, _APPROVALS)


@dataclass(frozen=True, slots=True)
class Place:
    """One market with its history of `days` days."""

    company: Company
    values: dict[str, Any]
    days: int
    compensations: int


def _place(code: str, compensations: int) -> Place:
    company = build(code)
    market = company.market
    teams, people = furnish(market, "d", teams=TEAMS, agents=AGENTS)
    offer: Offer = company.offers["coupon"]
    categories = list(
        Category.objects.filter(market=market, parent__isnull=False).values_list("pk", flat=True)
    )
    locations = list(Location.objects.filter(market=market).values_list("pk", flat=True))
    days = max(compensations // A_DAY, 1)
    values = {
        "market": market.pk,
        "code": market.code,
        "currency": market.currency,
        "days": days,
        "customers": max(compensations // 5, 1),
        "cases": compensations * 3 // 2,
        "categories": categories,
        "kinds": len(categories),
        "locations": locations,
        "places": len(locations),
        "agents": [row.pk for row in people],
        "teams": [row.team_id for row in people],
        "people": len(people),
        "version": company.scale.pk,
        "rule": offer.rule_id,
        "offer": offer.pk,
        "chief": company.supervisor.pk,
        "till": company.till.pk,
        "team": teams[0].pk,
    }
    return Place(company, values, days, compensations)


def _say(what: str, began: float) -> None:
    sys.stdout.write(f"  {what}: {time.perf_counter() - began:.1f} s\n")
    sys.stdout.flush()


def make_places(compensations: int) -> list[Place]:
    """A market with a tenth of the compensations, and one with all of them; both rolled."""
    began = time.perf_counter()
    places = [_place("DS", compensations // 10), _place("DL", compensations)]
    with connection.cursor() as cursor:
        cursor.execute(_TOOLS)
        with without_indexes(TABLES):
            for place in places:
                for statement in STATEMENTS:
                    cursor.execute(statement, place.values)
        cursor.execute("VACUUM ANALYZE")
    _say("rows of two markets", began)
    began = time.perf_counter()
    for place in places:
        today = local_date(timezone.now(), place.company.market.time_zone)
        for number in range(1, place.days + 1):
            roll_day(place.company.market, today - dt.timedelta(days=number))
    _say(f"{sum(place.days for place in places):,} days rolled", began)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET work_mem")
        cursor.execute("RESET maintenance_work_mem")
    return places


def _timed(client: Client, path: str) -> tuple[float, int]:
    counted = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        start = time.perf_counter()
        answer = client.get(path)
        taken = (time.perf_counter() - start) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return taken, counted


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def dashboard_rows(compensations: int, into: list[Plan]) -> Iterable[Row]:
    """Server time of the dashboard's pages over both histories, by turns, and their ratio."""
    places = make_places(compensations)
    clients = []
    for place in places:
        client = Client(HTTP_HOST="127.0.0.1")
        client.force_login(place.company.elena)
        clients.append(client)
    for name, pattern in PAGES.items():
        paths = [pattern.format(team=place.values["team"]) for place in places]
        times: list[list[float]] = [[], []]
        queries = 0
        for number in range(WARM_UP + SAMPLES):
            for which, (client, path) in enumerate(zip(clients, paths, strict=True)):
                taken, queries = _timed(client, path)
                if number >= WARM_UP:
                    times[which].append(taken)
        for place, each in zip(places, times, strict=True):
            yield Row(
                f"dashboard, {name}, {place.compensations:,} compensations, {queries} queries",
                f"p95 {_p95(each):.0f} ms, median {statistics.median(each):.0f} ms",
                budget=f"aim {AIM} ms",
            )
        short, long = (statistics.median(each) for each in times)
        yield Row(
            f"dashboard, {name}, ten times the history",
            f"{long:.0f} ms",
            f"{short:.0f} ms",
            f"{long / short:.2f}",
            f"{RATIO}",
            long / short <= RATIO,
        )
        into += plan_of(f"dashboard, {name}", clients[1], paths[1], {})
