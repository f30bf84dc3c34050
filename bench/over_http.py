"""Redeeming, granting and logging over HTTP, against a bare view on the same kind of server.

Everything is real: gunicorn as `make run` starts it, the running role, keys, fresh
Idempotency-Keys. After each run the rows in the database are counted against the answers.
"""

import itertools
import json
import statistics
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db.models import Model

from accounts.actions import create_access_token
from compensations.models import Compensation, Redemption
from incidents.models import Incident

from . import floor
from .company import Bench
from .load import Answers, drive, post
from .money import make_coupons, make_incidents
from .serving import BARE, PRODUCT, environment, served
from .table import Row

REDEEM_BUDGET = 0.50
# Acts a second that are asked for where the bare view does 940; here they are taken as its share.
BARE_REFERENCE, GRANTS, CASES = 940, 150, 200
# Before each measured run: a server's first answers load modules and open connections.
WARM_UP, WARM_ANSWERS = 1.0, 300
MOST = 1500  # acts a second that are prepared for

Requests = Callable[[int], Iterator[bytes]]


def _body(**values: Any) -> bytes:
    return json.dumps(values).encode()


def _key(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", "Idempotency_Key": uuid.uuid4().hex}


def _bare(_count: int) -> Iterator[bytes]:
    """Requests for the coupons of `floor.prepare`."""
    for number in range(1, floor.CLIENTS * 50_000):
        body = _body(code=str(-number), external_transaction_id=f"H{number}")
        yield post("/redeem", body)


def _redemptions(bench: Bench) -> Requests:
    def requests(count: int) -> Iterator[bytes]:
        for code in make_coupons(bench, count):
            body = _body(
                code=code,
                external_transaction_id=f"T-{code}",
                location=bench.company.location.code,
            )
            yield post("/api/v1/coupons/redeem", body, **_key(bench.company.till_key))

    return requests


def _tokens(bench: Bench) -> Iterator[str]:
    return itertools.cycle([create_access_token(staff=who, by=who)[1] for who in bench.agents])


def _grants(bench: Bench) -> Requests:
    tokens = _tokens(bench)
    offer = bench.company.offers["coupon"].pk

    def requests(count: int) -> Iterator[bytes]:
        for incident, token in zip(make_incidents(bench, count), tokens, strict=False):
            path = f"/api/v1/incidents/{incident.folio}/compensations"
            yield post(path, _body(offer=offer), **_key(token))

    return requests


def _cases(bench: Bench) -> Requests:
    tokens = _tokens(bench)
    company = bench.company

    def requests(count: int) -> Iterator[bytes]:
        customers = [row.customer_id for row in make_incidents(bench, 200)]
        for number in range(count):
            body = _body(
                customer=str(customers[number % len(customers)]),
                category=company.category.code,
                narrative="El cuarto no estaba listo a las cinco y nadie avisó en recepción.",
                channel="phone",
                location=company.location.code,
                order_ref=f"R-{uuid.uuid4().hex[:12]}",
                amount_at_stake_minor=200_000,
            )
            yield post("/api/v1/incidents", body, Authorization=f"Bearer {next(tokens)}")

    return requests


def _measured(
    port: int, requests: Requests, seconds: int, model: type[Model], status: int
) -> Answers:
    """One run after its warm-up; every good answer has to have left its row."""
    prepared = iter(list(requests(int(MOST * (seconds + WARM_UP)) + WARM_ANSWERS)))
    before = model._default_manager.count()
    warm = drive(port, prepared, WARM_UP, status, at_least=WARM_ANSWERS)
    answers = drive(port, prepared, seconds, status)
    made = model._default_manager.count() - before
    if made != len(warm.times) + len(answers.times):
        raise RuntimeError(f"{made} rows for {len(warm.times) + len(answers.times)} answers")
    return answers


def http_rows(bench: Bench, seconds: int, rounds: int, folder: Path) -> Iterator[Row]:
    """Three rows, the rounds of all interleaved with those of the bare view."""
    works: dict[str, tuple[str, Requests, type[Model], int, float, str]] = {
        "redeem": (
            "redeem over HTTP, 8 connections",
            _redemptions(bench),
            Redemption,
            200,
            REDEEM_BUDGET,
            "",
        ),
        "grant": (
            "grant over HTTP, 8 connections",
            _grants(bench),
            Compensation,
            201,
            GRANTS / BARE_REFERENCE,
            f" ({GRANTS} of {BARE_REFERENCE})",
        ),
        "case": (
            "case logged over HTTP, 8 connections",
            _cases(bench),
            Incident,
            201,
            CASES / BARE_REFERENCE,
            f" ({CASES} of {BARE_REFERENCE})",
        ),
    }
    found: dict[str, list[tuple[Answers, Answers]]] = {name: [] for name in works}
    env = environment()
    with served(PRODUCT, folder, env) as ours, served(BARE, folder, env) as bare:
        for _round, name in itertools.product(range(rounds), works):
            _name, requests, model, status, _budget, _words = works[name]
            answers = _measured(ours, requests, seconds, model, status)
            floor.prepare()
            numbers = _bare(0)
            drive(bare, numbers, WARM_UP, at_least=WARM_ANSWERS)
            found[name].append((answers, drive(bare, numbers, seconds)))
    for name, pairs in found.items():
        work, _requests, _model, _status, budget, words = works[name]
        ratio = statistics.median(mine.rate / base.rate for mine, base in pairs)
        rate = statistics.median(mine.rate for mine, _base in pairs)
        p95 = statistics.median(mine.p95 for mine, _base in pairs)
        base_rate = statistics.median(base.rate for _mine, base in pairs)
        yield Row(
            work,
            f"{rate:.0f}/s, p95 {p95:.0f} ms",
            f"{base_rate:.0f}/s bare view",
            f"{ratio:.0%}",
            f"{budget:.0%}{words}",
            ratio >= budget,
        )
