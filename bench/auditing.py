"""Verifying a million rows of the audit trail, sealed as by beat: some hundred rows a minute.

The floor is one reading of the same rows: PostgreSQL puts every column of each into text and hands
over one line. Whatever verifies has to do at least that.
"""

import logging
import statistics
import time

from django.db import connection

from audit.models import Seal
from audit.sealing import seal
from audit.verifying import verify

from .table import Row

ROWS = 1_000_000
ROWS_A_SEAL = 100
BUDGET = 30  # seconds

_EMPTY = """
ALTER TABLE audit_auditevent DISABLE TRIGGER audit_auditevent_no_truncate;
ALTER TABLE audit_seal DISABLE TRIGGER audit_seal_no_truncate;
TRUNCATE audit_auditevent, audit_seal, audit_sealhead;
ALTER TABLE audit_auditevent ENABLE TRIGGER audit_auditevent_no_truncate;
ALTER TABLE audit_seal ENABLE TRIGGER audit_seal_no_truncate;
SET synchronous_commit = off;
SET statement_timeout = 0
"""
_FILL = """
INSERT INTO audit_auditevent (at, actor_kind, actor_id, actor_name, role, act, object_kind,
    object_id, about_id, market_code, before, after, reason, request_id)
SELECT now() - (%(rows)s - n) * interval '1 second', 'staff', (n %% 500)::text,
    'Agente ' || n %% 500, 'agent',
    (ARRAY['incident.opened', 'compensation.granted', 'coupon.redeemed', 'incident.closed',
           'message.sent'])[1 + n %% 5],
    'compensation', md5(n::text)::uuid::text, md5((n / 5)::text)::uuid::text, 'MX',
    CASE WHEN n %% 5 = 3 THEN jsonb_build_object('state', 'resolved') END,
    jsonb_build_object('offer', 'coupon-' || n %% 40, 'face_minor', n %% 90000, 'currency', 'MXN',
                       'severity', n %% 4, 'reasons', jsonb_build_array('waited', 'cold food')),
    CASE WHEN n %% 7 = 0 THEN 'The customer waited for more than an hour.' ELSE '' END,
    md5(n::text)
FROM generate_series(1, %(rows)s) AS n
"""
_READ = "SELECT count(*), max(length(e::text)) FROM audit_auditevent AS e"


def _timed_read() -> float:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        count, _longest = cursor.fetchone()
    assert count == ROWS
    return time.monotonic() - began


def _timed_verify() -> float:
    report = verify()
    assert report.finding is None, str(report.finding)
    assert report.rows == ROWS
    return report.seconds


def audit_row(rounds: int) -> Row:
    """Seconds of `verify` over a million rows, beside one reading of them. Empties the trail."""
    # A line for each of ten thousand seals is of no use here.
    logging.getLogger("audit.sealing").setLevel(logging.WARNING)
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)
        cursor.execute(_FILL, {"rows": ROWS})
        cursor.execute("VACUUM ANALYZE audit_auditevent")
    while _sealed() < ROWS:
        seal(rows=ROWS_A_SEAL)
    reads, verifications = [], []
    for _round in range(rounds):
        reads.append(_timed_read())
        verifications.append(_timed_verify())
    ours, floor = statistics.median(verifications), statistics.median(reads)
    return Row(
        f"verify of {ROWS:,} audit rows under {Seal.objects.count():,} seals",
        f"{ours:.1f} s",
        f"{floor:.1f} s",
        f"{ours / floor:.1f}",
        f"{BUDGET} s",
        ours <= BUDGET,
    )


def _sealed() -> int:
    return sum(Seal.objects.values_list("rows", flat=True))
