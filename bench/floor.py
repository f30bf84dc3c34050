"""The floors: the least SQL that upholds the invariants, driven by pgbench, statements prepared.

A floor writes the rows the product writes (value, code, ledger, outbox, audit, counters) in one
transaction, and nothing that belongs to Python.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.db import connection

from recovery.embedded.binaries import postgres_folder

CLIENTS = 8

_TABLES = """
DROP TABLE IF EXISTS floor_counter, floor_grant, floor_coupon, floor_ledger, floor_outbox,
    floor_audit, floor_redemption;
DROP SEQUENCE IF EXISTS floor_number;
CREATE SEQUENCE floor_number;
CREATE TABLE floor_counter (id int PRIMARY KEY, used bigint NOT NULL, cap bigint NOT NULL);
CREATE TABLE floor_grant (id bigserial PRIMARY KEY, agent int, incident bigint, face bigint,
    currency text, issued timestamptz DEFAULT now());
CREATE UNIQUE INDEX ON floor_grant (incident);
CREATE TABLE floor_coupon (id bigint PRIMARY KEY, code_hash bytea UNIQUE, state text,
    balance bigint, expires timestamptz);
CREATE TABLE floor_ledger (id bigserial PRIMARY KEY, grant_id bigint, account text, amount bigint,
    at timestamptz DEFAULT now());
CREATE TABLE floor_outbox (id bigserial PRIMARY KEY, grant_id bigint, state text DEFAULT 'queued',
    due timestamptz DEFAULT now());
CREATE TABLE floor_audit (id bigserial PRIMARY KEY, act text, object text, after jsonb,
    at timestamptz DEFAULT now());
CREATE TABLE floor_redemption (id bigserial PRIMARY KEY, coupon bigint, external text UNIQUE,
    amount bigint, at timestamptz DEFAULT now());
GRANT ALL ON floor_counter, floor_grant, floor_coupon, floor_ledger, floor_outbox, floor_audit,
    floor_redemption TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC;
INSERT INTO floor_counter SELECT n, 0, 1000000000000 FROM generate_series(1, 60) n;
"""

GRANT = r"""
\set agent random(1, 50)
BEGIN;
INSERT INTO floor_grant (agent, incident, face, currency)
    VALUES (:agent, nextval('floor_grant_id_seq'), 20000, 'MXN') RETURNING id AS made \gset
INSERT INTO floor_coupon VALUES (:made, sha256(int8send(:made)), 'issued', 20000,
    now() + interval '90 days');
INSERT INTO floor_ledger (grant_id, account, amount)
    VALUES (:made, 'goodwill', 20000), (:made, 'liability', -20000);
INSERT INTO floor_outbox (grant_id) VALUES (:made);
INSERT INTO floor_audit (act, object, after) VALUES ('granted', :made, '{"face": 20000}');
UPDATE floor_counter SET used = used + 20000 WHERE id = :agent AND used + 20000 <= cap;
UPDATE floor_counter SET used = used + 20000 WHERE id = 60 AND used + 20000 <= cap;
COMMIT;
"""

# Each client has its own row of coupons: 50,000 of them, more than it can use in a run.
REDEEM = r"""
\set n :n + 1
\set place -(:client_id * 50000 + :n)
BEGIN;
UPDATE floor_coupon SET state = 'redeemed', balance = 0
    WHERE code_hash = sha256(int8send(:place)) AND state = 'issued'
    AND expires > now() RETURNING id AS used \gset
INSERT INTO floor_redemption (coupon, external, amount)
    VALUES (:used, 'T' || nextval('floor_number'), 20000);
INSERT INTO floor_ledger (grant_id, account, amount)
    VALUES (:used, 'liability', 20000), (:used, 'clearing', -20000);
INSERT INTO floor_audit (act, object, after) VALUES ('redeemed', :used, '{"amount": 20000}');
COMMIT;
"""


def prepare(coupons: int = 50_000 * CLIENTS) -> None:
    """Tables of the floor's own, with coupons to redeem."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        cursor.execute(
            "INSERT INTO floor_coupon SELECT -n, sha256(int8send(-n)), 'issued', 20000, "
            "now() + interval '90 days' FROM generate_series(1, %s) n",
            [coupons],
        )


def run(script: str, seconds: int) -> float:
    """Transactions a second of one pgbench run over eight clients."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        Path(file.name).chmod(0o644)
        words = [
            str(postgres_folder() / "pgbench"),
            *("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)),
            *("-D", "n=0", "-f", file.name, "-U", parts.username or ""),
            *("-h", parse_qs(parts.query)["host"][0], parts.path.lstrip("/")),
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None or "number of failed transactions: 0" not in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])
