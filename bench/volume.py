"""A million incidents and what hangs from them, made by set-based SQL in a few minutes.

Three years of cases in two markets: customers with contacts, narratives of many words, states that
follow age, a fifth of the cases compensated with coupon, ledger, message and trail. Everything is
invented and drawn from a seed. Rows are as the actions leave them; indexes are built afterwards.
"""

import hashlib
import hmac
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import Location, Market, Staff
from accounts.states import Role
from common.fingerprints import fingerprint
from compensations.models import Offer
from compensations.tests.scenario import Company, build, person
from incidents.models import Category, ContactPoint

from . import words
from .company import furnish
from .rebuilding import without_indexes

YEARS = 3
TABLES = (
    "incidents_customer",
    "incidents_contactpoint",
    "incidents_incident",
    "incidents_recoverystep",
    "incidents_note",
    "incidents_promise",
    "compensations_compensation",
    "compensations_coupon",
    "compensations_ledgerentry",
    "delivery_message",
    "audit_auditevent",
)
_TOOLS = """
CREATE OR REPLACE FUNCTION bench_key(moment timestamptz, salt text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(salt), 1, 3) || '9' || substr(md5(salt), 4, 15))::uuid
$$;
CREATE OR REPLACE FUNCTION bench_pick(text[]) RETURNS text LANGUAGE sql AS $$
    SELECT ($1)[1 + floor(power(random(), 2) * cardinality($1))::int]
$$;
DROP TABLE IF EXISTS bench_customer;
CREATE UNLOGGED TABLE bench_customer (market bigint, n int, id uuid, PRIMARY KEY (market, n));
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
SET synchronous_commit = off;
SET statement_timeout = 0;
SELECT setseed(0.42);
"""

_CUSTOMERS = """
WITH made AS (
    INSERT INTO incidents_customer (id, market_id, name, language, segment, preferred_channel,
        external_ref, created_at)
    SELECT bench_key(at, %(code)s || n), %(market)s,
        bench_pick(%(first)s) || ' ' || bench_pick(%(last)s) || ' '
            || CASE WHEN random() < 0.06 THEN initcap(bench_pick(%(syllables)s)
                    || bench_pick(%(syllables)s) || bench_pick(%(syllables)s))
               ELSE bench_pick(%(last)s) END,
        %(language)s,
        CASE WHEN random() < 0.03 THEN 'vip' WHEN random() < 0.12 THEN 'valued' ELSE 'standard' END,
        'email', CASE WHEN n %% 3 = 0 THEN 'C' || (1000000 + n) ELSE '' END, at
    FROM (SELECT n, now() - %(years)s * interval '1 year' * (1 - n::float / %(customers)s) AS at
          FROM generate_series(1, %(customers)s) AS n) AS drawn
    RETURNING id
)
INSERT INTO bench_customer SELECT %(market)s, row_number() OVER (), id FROM made
"""

# The keyed hash is what `common.fingerprints` makes: HMAC-SHA256 by its definition, the padded keys
# given as parameters.
_CONTACTS = """
INSERT INTO incidents_contactpoint (id, customer_id, market_id, kind, value, fingerprint, is_active,
    changed_at)
SELECT bench_key(created_at, kind || id), id, market_id, kind, value,
    sha256(%(outer)s || sha256(%(inner)s || convert_to(value, 'UTF8'))), TRUE, created_at
FROM (
    SELECT id, market_id, created_at, 'phone' AS kind,
        %(dial)s || (10 + floor(random() * 90))::int::text
        || lpad(floor(random() * 1e8)::bigint::text, 8, '0') AS value
    FROM incidents_customer WHERE market_id = %(market)s AND random() < 0.8
    UNION ALL
    SELECT id, market_id, created_at, 'email',
        replace(name_search, ' ', '.') || floor(random() * 1000)::int || '@'
        || bench_pick(%(hosts)s)
    FROM incidents_customer WHERE market_id = %(market)s AND random() < 0.85
) AS reachable
"""

_INCIDENTS = """
INSERT INTO incidents_incident (id, market_id, folio, customer_id, kind, category_id, severity,
    suggested_severity, severity_reason, narrative, channel, location_id, order_ref,
    amount_at_stake_minor, currency, state, owner_id, team_id, occurred_at, logged_at, logged_by_id,
    compensate_due_at, resolve_due_at, compensated_at, resolved_at, closed_at, resolution, source,
    source_ref, version)
SELECT bench_key(at, %(code)s || i), %(market)s,
    %(code)s || '-' || extract(year FROM at)::int || '-' || lpad(i::text, 6, '0'),
    customer.id, bench_pick('{claim,complaint,request}'),
    (%(categories)s::bigint[])[category], severity, severity, '',
    bench_pick(%(openings)s) || ' ' || bench_pick(%(problems)s) || '. '
        || format(bench_pick(%(details)s), 1 + floor(random() * 900)::int)
        || CASE WHEN random() < 0.5 THEN ' Habla de ' || bench_pick(%(items)s) || ' y '
                || bench_pick(%(items)s) || '. '
                || format(bench_pick(%(details)s), 1 + floor(random() * 90)::int) ELSE '' END
        || CASE WHEN random() < 0.25 THEN ' Nombra ' || initcap(bench_pick(%(syllables)s)
                || bench_pick(%(syllables)s) || bench_pick(%(syllables)s)) || '.' ELSE '' END
        || ' ' || bench_pick(%(wishes)s),
    bench_pick('{phone,whatsapp,counter,email,chat,web,social,sms}'),
    (%(locations)s::bigint[])[1 + floor(power(random(), 2) * %(places)s)::int],
    CASE WHEN random() < 0.7 THEN 'R-' || lpad(floor(random() * 1e8)::bigint::text, 8, '0')
         ELSE '' END,
    CASE WHEN random() < 0.8 THEN (100 + floor(random() * 4900)::int) * 100 END,
    %(currency)s, state, (%(agents)s::uuid[])[agent], (%(teams)s::bigint[])[agent],
    at - interval '2 hours', at, (%(agents)s::uuid[])[agent],
    at + interval '1 hour', at + interval '1 day',
    CASE WHEN i %% 5 = 0 AND state <> 'open' THEN at + interval '20 minutes' END,
    CASE WHEN state IN ('resolved', 'closed') THEN at + interval '5 hours' END,
    CASE WHEN state = 'closed' THEN at + interval '26 hours' END,
    CASE WHEN state IN ('resolved', 'closed') THEN 'Se repuso lo que faltaba y se pidió disculpa.'
         ELSE '' END,
    '', '', 1
FROM (
    SELECT i, at,
        1 + floor(power(random(), 1.5) * %(customers)s)::int AS buyer,
        1 + floor(power(random(), 2) * %(kinds)s)::int AS category,
        1 + floor(random() * %(people)s)::int AS agent,
        CASE WHEN random() < 0.6 THEN 'moderate' WHEN random() < 0.75 THEN 'minor'
             ELSE 'critical' END AS severity,
        CASE WHEN at > now() - interval '2 days' THEN bench_pick('{open,in_recovery,resolved}')
             WHEN at > now() - interval '14 days'
                 THEN bench_pick('{closed,closed,closed,resolved,in_recovery,open}')
             WHEN random() < 0.001 THEN 'in_recovery'
             ELSE 'closed' END AS state
    FROM (SELECT i, now() - %(years)s * interval '1 year' * (1 - i::float / %(count)s) AS at
          FROM generate_series(1, %(count)s) AS i) AS moments
) AS drawn
JOIN bench_customer AS customer ON customer.market = %(market)s AND customer.n = drawn.buyer
"""

_COMPENSATIONS = """
INSERT INTO compensations_compensation (id, market_id, incident_id, customer_id, version_id,
    rule_id, offer_id, kind, is_statutory, face_minor, expected_cost_minor, currency, state,
    granted_by_id, team_id, location_id, category_id, severity, channel, note,
    created_at, issued_at, expires_at, ended_at, void_reason)
SELECT bench_key(at, 'c' || id), market_id, id, customer_id, %(version)s, %(rule)s, %(offer)s,
    'coupon', FALSE, 20000, 12000, currency, state, owner_id, team_id, location_id, category_id,
    severity, channel, '', at, at, at + interval '90 days',
    CASE state WHEN 'settled' THEN at + interval '9 days' WHEN 'expired'
        THEN at + interval '90 days' END, ''
FROM (
    SELECT *, compensated_at AS at,
        CASE WHEN random() < 0.55 AND compensated_at < now() - interval '9 days' THEN 'settled'
             WHEN compensated_at < now() - interval '90 days' THEN 'expired'
             ELSE 'issued' END AS state
    FROM (SELECT id, market_id, customer_id, currency, owner_id, team_id, location_id, category_id,
              severity, channel, compensated_at
          FROM incidents_incident WHERE market_id = %(market)s AND compensated_at IS NOT NULL
         ) AS compensated
) AS granted
"""

_COUPONS = """
INSERT INTO compensations_coupon (id, compensation_id, market_id, code_hash, hash_key_id, last_four,
    cipher_key_id, state, currency, value_minor, balance_minor, keeps_balance, usable_at,
    expires_at)
SELECT bench_key(issued_at, 'q' || id), id, market_id, sha256(uuid_send(id)), '1',
    upper(substr(md5(id::text), 1, 4)), '',
    CASE state WHEN 'settled' THEN 'redeemed' ELSE state END, currency, face_minor,
    CASE state WHEN 'settled' THEN 0 ELSE face_minor END, FALSE, '[]', expires_at
FROM compensations_compensation WHERE market_id = %(market)s
"""

# Every compensation has its issue, and its end where it has ended; two entries each.
_LEDGER = """
INSERT INTO compensations_ledgerentry (transaction, event, market_id, compensation_id, account,
    amount_minor, currency, at)
SELECT md5(row.id || kind.event)::uuid, kind.event, row.market_id, row.id, side.account,
    side.sign * row.face_minor, row.currency,
    CASE kind.event WHEN 'issue' THEN row.issued_at ELSE row.ended_at END
FROM compensations_compensation AS row
JOIN (VALUES ('issue', 'issued', 'goodwill_expense', 'outstanding_liability'),
             ('issue', 'settled', 'goodwill_expense', 'outstanding_liability'),
             ('issue', 'expired', 'goodwill_expense', 'outstanding_liability'),
             ('redeem', 'settled', 'outstanding_liability', 'redemption_clearing'),
             ('expire', 'expired', 'outstanding_liability', 'breakage')
     ) AS kind (event, state, debit, credit) ON kind.state = row.state
CROSS JOIN LATERAL (VALUES (kind.debit, 1), (kind.credit, -1)) AS side (account, sign)
WHERE row.market_id = %(market)s
"""

_MESSAGES = """
INSERT INTO delivery_message (id, market_id, topic, ref, about, channel, language, address_masked,
    state, attempts, attempts_before, created_at, due_at, sent_at, delivered_at, failure)
SELECT bench_key(issued_at, 'm' || id), market_id, 'compensation.granted', id, incident_id,
    'handover', 'es', '', 'delivered', 0, 0, issued_at, issued_at, issued_at, issued_at, ''
FROM compensations_compensation WHERE market_id = %(market)s
"""

_STEPS = """
INSERT INTO incidents_recoverystep (incident_id, step, done_at, done_by_id, proof)
SELECT id, step, CASE step WHEN 'listen' THEN logged_at ELSE compensated_at END, owner_id, proof
FROM incidents_incident
JOIN (VALUES ('listen', 'logged'), ('compensate', 'granted')) AS steps (step, proof)
    ON step = 'listen' OR compensated_at IS NOT NULL
WHERE market_id = %(market)s
"""

_NOTES = """
INSERT INTO incidents_note (id, incident_id, author_id, body, created_at)
SELECT bench_key(logged_at, 'n' || id), id, owner_id, bench_pick(%(wishes)s),
    logged_at + interval '1 hour'
FROM incidents_incident WHERE market_id = %(market)s AND random() < 0.2
"""

_PROMISES = """
INSERT INTO incidents_promise (id, incident_id, market_id, kind, due_at, owner_id, detail, state,
    created_at, created_by_id)
SELECT bench_key(logged_at, 'p' || id), id, market_id, 'call', logged_at + interval '2 days',
    owner_id, bench_pick(%(wishes)s),
    CASE WHEN state IN ('open', 'in_recovery') THEN 'due' ELSE 'kept' END, logged_at, owner_id
FROM incidents_incident WHERE market_id = %(market)s AND random() < 0.05
"""

_TRAIL = """
INSERT INTO audit_auditevent (at, actor_kind, actor_id, actor_name, role, act, object_kind,
    object_id, about_id, market_code, after, reason, request_id)
SELECT at, 'staff', owner_id::text, 'Agente', 'agent', act, 'incident', id::text, '', %(code)s,
    jsonb_build_object('folio', folio), '', ''
FROM (
    SELECT id, folio, owner_id, 'incident.opened' AS act, logged_at AS at
    FROM incidents_incident WHERE market_id = %(market)s
    UNION ALL
    SELECT id, folio, owner_id, 'incident.closed', closed_at
    FROM incidents_incident WHERE market_id = %(market)s AND closed_at IS NOT NULL
) AS acts
"""

_MONEY_TRAIL = """
INSERT INTO audit_auditevent (at, actor_kind, actor_id, actor_name, role, act, object_kind,
    object_id, about_id, market_code, after, reason, request_id)
SELECT issued_at, 'staff', granted_by_id::text, 'Agente', 'agent', 'compensation.granted',
    'compensation', id::text, incident_id::text, %(code)s,
    jsonb_build_object('face_minor', face_minor, 'currency', currency), '', ''
FROM compensations_compensation WHERE market_id = %(market)s
"""

STATEMENTS = {
    "customers": _CUSTOMERS,
    "contacts": _CONTACTS,
    "incidents": _INCIDENTS,
    "compensations": _COMPENSATIONS,
    "coupons": _COUPONS,
    "ledger": _LEDGER,
    "messages": _MESSAGES,
    "steps": _STEPS,
    "notes": _NOTES,
    "promises": _PROMISES,
    "trail": _TRAIL,
    "trail of money": _MONEY_TRAIL,
}


@dataclass(frozen=True, slots=True)
class Place:
    """One market of the volume, with the people who work it."""

    company: Company
    agents: Sequence[Staff]
    supervisor: Staff


def _company(code: str, teams: int, agents: int) -> Place:
    """A market with categories in two levels, locations and teams."""
    company = build(code)
    market = company.market
    groups, people = furnish(market, "v", teams=teams, agents=agents)
    chief = person(market, f"v{code.lower()}s", Role.SUPERVISOR, team=groups[0])
    groups[0].supervisors.add(chief)
    return Place(company, people, chief)


def _values(place: Place, dial: str, count: int) -> dict[str, Any]:
    market: Market = place.company.market
    leaves = Category.objects.filter(market=market, parent__isnull=False).order_by("-pk")
    offer: Offer = place.company.offers["coupon"]
    key = hmac.digest(settings.FINGERPRINT_KEY, b"contact", hashlib.sha256).ljust(64, b"\0")
    categories = [row.pk for row in leaves]
    locations = [row.pk for row in Location.objects.filter(market=market).order_by("-pk")]
    return {
        "market": market.pk,
        "code": market.code,
        "currency": market.currency,
        "language": market.language,
        "years": YEARS,
        "count": count,
        "customers": max(count // 5, 1),
        "categories": categories,
        "kinds": len(categories),
        "locations": locations,
        "places": len(locations),
        "agents": [row.pk for row in place.agents],
        "teams": [row.team_id for row in place.agents],
        "people": len(place.agents),
        "version": place.company.scale.pk,
        "rule": offer.rule_id,
        "offer": offer.pk,
        "dial": dial,
        "outer": bytes(byte ^ 0x5C for byte in key),
        "inner": bytes(byte ^ 0x36 for byte in key),
        "first": words.FIRST_NAMES,
        "last": words.LAST_NAMES,
        "hosts": words.MAIL_HOSTS,
        "openings": list(words.OPENINGS),
        "problems": list(words.PROBLEMS),
        "details": list(words.DETAILS),
        "items": words.ITEMS,
        "syllables": words.SYLLABLES,
        "wishes": list(words.WISHES),
    }


def _say(what: str, began: float) -> None:
    sys.stdout.write(f"  {what}: {time.perf_counter() - began:.1f} s\n")
    sys.stdout.flush()


def make_volume(incidents: int) -> tuple[list[Place], float]:
    """The two markets with their rows, and the seconds it took to make them."""
    began = time.perf_counter()
    places = [_company("GH", 5, 28), _company("RD", 3, 12)]
    values = [
        _values(places[0], "+5255", incidents * 7 // 10),
        _values(places[1], "+5733", incidents - incidents * 7 // 10),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TOOLS)
        with without_indexes(TABLES) as later:
            for name, statement in STATEMENTS.items():
                start = time.perf_counter()
                for each in values:
                    cursor.execute(statement, each)
                _say(name, start)
            start = time.perf_counter()
        _say(f"{len(later)} indexes and constraints", start)
        start = time.perf_counter()
        cursor.execute("VACUUM ANALYZE")
        _say("vacuum and statistics", start)
    _check()
    return places, time.perf_counter() - began


def _check() -> None:
    """What was made by SQL is what the code would have made. Raises RuntimeError."""
    contact = ContactPoint.objects.filter(market__code="GH").first()
    if contact is None or bytes(contact.fingerprint) != fingerprint("contact", contact.value):
        raise RuntimeError("the generated contacts have other fingerprints than real ones")
