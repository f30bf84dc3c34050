"""Granting and redeeming through the actions, against the least SQL."""

import statistics
import uuid

from django.db import connection

from common.fingerprints import fingerprint
from compensations import codes
from compensations.actions import grant, redeem
from compensations.models import Compensation, Coupon
from incidents.models import ContactPoint, Customer, Incident
from incidents.states import ContactKind

from . import floor
from .company import Bench
from .processes import drive
from .table import Row

GRANT_BUDGET, REDEEM_BUDGET = 0.20, 0.30
# Acts a second that are prepared for: a run that wants more ends with an error.
MOST_GRANTS, MOST_REDEMPTIONS = 1_500, 5_000


def make_incidents(bench: Bench, count: int) -> list[Incident]:
    """Open cases, each with a customer of its own who has an address, inserted in bulk."""
    company = bench.company
    customers = Customer.objects.bulk_create(
        [Customer(market=company.market, name=f"Cliente {n}", language="es") for n in range(count)],
        batch_size=2000,
    )
    addresses = [f"{customer.pk.hex}@buzon.example" for customer in customers]
    ContactPoint.objects.bulk_create(
        [
            ContactPoint(
                customer=customer,
                market=company.market,
                kind=ContactKind.EMAIL,
                value=address,
                fingerprint=fingerprint("contact", address),
            )
            for customer, address in zip(customers, addresses, strict=True)
        ],
        batch_size=2000,
    )
    return Incident.objects.bulk_create(
        [
            Incident(
                market=company.market,
                folio=f"B-{uuid.uuid4().hex[:16].upper()}",
                customer=customer,
                # As the desk makes it: of the agent who then grants.
                owner=bench.agents[place % len(bench.agents)],
                team=company.team,
                category=company.category,
                severity="moderate",
                suggested_severity="moderate",
                narrative="La habitación no estaba lista.",
                channel="phone",
                amount_at_stake_minor=200_000,
                currency="MXN",
            )
            for place, customer in enumerate(customers)
        ],
        batch_size=2000,
    )


def _median_pair(
    ours: list[tuple[float, float]], floors: list[float]
) -> tuple[float, float, float]:
    rate = statistics.median(value for value, _p95 in ours)
    ratio = statistics.median(a[0] / b for a, b in zip(ours, floors, strict=True))
    return rate, statistics.median(floors), ratio


def grant_row(bench: Bench, seconds: int, rounds: int) -> Row:
    floor.prepare(1)
    offer = bench.company.offers["coupon"]
    ours, floors = [], []
    for _round in range(rounds):
        floors.append(floor.run(floor.GRANT, seconds))
        incidents = make_incidents(bench, MOST_GRANTS * seconds)

        def work(number: int, done: int, rows: list[Incident] = incidents) -> None:
            place = done * floor.CLIENTS + number
            grant(incident=rows[place], offer=offer, by=bench.agents[place % len(bench.agents)])

        ours.append(drive(work, seconds))
    rate, base, ratio = _median_pair(ours, floors)
    return Row(
        "grant through the action, 8 clients",
        f"{rate:.0f}/s, p95 {statistics.median(p for _r, p in ours):.0f} ms",
        f"{base:.0f}/s",
        f"{ratio:.0%}",
        f"{GRANT_BUDGET:.0%}",
        ratio >= GRANT_BUDGET,
    )


def make_coupons(bench: Bench, count: int) -> list[str]:
    """Issued coupons with their ledger entries, inserted in bulk; returns their codes."""
    import datetime as dt

    from django.utils import timezone

    from compensations import ledger
    from compensations.models import LedgerEntry

    company = bench.company
    offer = company.offers["coupon"]
    expires = timezone.now() + dt.timedelta(days=90)
    made, coupons, entries, texts = [], [], [], []
    for incident in make_incidents(bench, count):
        compensation = Compensation(
            market=company.market,
            incident=incident,
            customer_id=incident.customer_id,
            version=company.scale,
            rule=offer.rule,
            offer=offer,
            kind=offer.kind,
            is_statutory=False,
            face_minor=20000,
            expected_cost_minor=12000,
            currency="MXN",
            granted_by=company.agent,
            category_id=incident.category_id,
            severity=incident.severity,
            channel=incident.channel,
            issued_at=timezone.now(),
            expires_at=expires,
        )
        code = codes.new_code()
        key_id, code_hash = codes.current_hash(code)
        coupons.append(
            Coupon(
                compensation=compensation,
                market=company.market,
                code_hash=code_hash,
                hash_key_id=key_id,
                last_four=code[-4:],
                currency="MXN",
                value_minor=20000,
                balance_minor=20000,
                expires_at=expires,
            )
        )
        made.append(compensation)
        entries += ledger.on_issue(compensation)
        texts.append(code)
    Compensation.objects.bulk_create(made, batch_size=2000)
    Coupon.objects.bulk_create(coupons, batch_size=2000)
    LedgerEntry.objects.bulk_create(entries, batch_size=4000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return texts


def redeem_row(bench: Bench, seconds: int, rounds: int) -> Row:
    company = bench.company
    ours, floors = [], []
    for _round in range(rounds):
        texts = make_coupons(bench, MOST_REDEMPTIONS * seconds)
        floor.prepare()
        floors.append(floor.run(floor.REDEEM, seconds))

        def work(number: int, done: int, rows: list[str] = texts) -> None:
            code = rows[done * floor.CLIENTS + number]
            redeem(
                code=code,
                external_transaction_id=code,
                market=company.market,
                location=company.location,
                by=company.till,
            )

        ours.append(drive(work, seconds))
    rate, base, ratio = _median_pair(ours, floors)
    return Row(
        "redeem through the action, 8 clients",
        f"{rate:.0f}/s, p95 {statistics.median(p for _r, p in ours):.0f} ms",
        f"{base:.0f}/s",
        f"{ratio:.0%}",
        f"{REDEEM_BUDGET:.0%}",
        ratio >= REDEEM_BUDGET,
    )
