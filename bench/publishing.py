"""Publishing a version of 500 rules, against the least it could be: two rows of versions updated.

Rules and offers are copied when a draft is opened and stand still afterwards, so that publishing
costs the same however much a version says; opening a draft is measured beside it.
"""

import statistics
import time
from collections.abc import Callable

from django.db import connection, transaction

from compensations.actions import (
    approve_scale,
    change_cells,
    create_draft,
    publish_scale,
    submit_scale,
)
from compensations.models import Offer, ScaleRule, ScaleVersion
from compensations.scale_content import Cell, OfferTerms
from compensations.scale_grid import SEGMENTS, SEVERITIES
from incidents.models import Category

from .company import Bench
from .table import Row

RULES = 500
EACH = 8  # publications in a round
PUBLISH_BUDGET, DRAFT_BUDGET = 100, 1_000  # milliseconds

_FLOOR = """
DROP TABLE IF EXISTS floor_version;
CREATE TABLE floor_version (id int PRIMARY KEY, state text NOT NULL, effective_from timestamptz,
    effective_until timestamptz);
CREATE UNIQUE INDEX ON floor_version ((1)) WHERE state = 'live';
INSERT INTO floor_version SELECT n, CASE n WHEN 0 THEN 'live' ELSE 'scheduled' END
FROM generate_series(0, 1000) n
"""


def _fill(bench: Bench) -> None:
    """Makes the live version one of 500 rules with two offers each."""
    company = bench.company
    categories = Category.objects.bulk_create(
        Category(market=company.market, code=f"b-{n}", name_es=f"Motivo {n}", name_en=f"Reason {n}")
        for n in range(RULES // (len(SEVERITIES) * len(SEGMENTS)) + 1)
    )
    cells = [
        Cell(category.pk, severity, segment)
        for category in categories
        for severity in SEVERITIES
        for segment in SEGMENTS
    ]
    draft = create_draft(market=company.market, by=company.elena)
    missing = RULES - ScaleRule.objects.filter(version=draft).count()
    offers = [
        OfferTerms("coupon", "Vale", "Voucher", 100_00, 200_00, 300_00),
        OfferTerms("gesture", "Flores", "Flowers", 50_00, 50_00, 50_00),
    ]
    draft = change_cells(
        version=draft,
        cells=dict.fromkeys(cells[:missing], offers),
        revision=draft.revision,
        by=company.elena,
    )
    submit_scale(version=draft, by=company.elena)
    publish_scale(version=company.approve(draft), by=company.hugo)


def _milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _floor(number: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE floor_version SET state = 'retired', effective_until = now() "
            "WHERE state = 'live'"
        )
        cursor.execute(
            "UPDATE floor_version SET state = 'live', effective_from = now() WHERE id = %s",
            [number],
        )


def publish_rows(bench: Bench, rounds: int) -> list[Row]:
    """The publication against its floor, and the opening of a draft; medians."""
    company = bench.company
    _fill(bench)
    with connection.cursor() as cursor:
        cursor.execute(_FLOOR)
    drafts, published, floors = [], [], []
    for number in range(1, rounds * EACH + 1):
        made: list[ScaleVersion] = []

        def open_draft(into: list[ScaleVersion] = made) -> None:
            into.append(create_draft(market=company.market, by=company.elena))

        drafts.append(_milliseconds(open_draft))
        (draft,) = made
        submit_scale(version=draft, by=company.elena)
        version = approve_scale(version=draft, by=company.hugo)
        floors.append(_milliseconds(lambda number=number: _floor(number)))  # type: ignore[misc]
        published.append(
            _milliseconds(lambda version=version: publish_scale(version=version, by=company.hugo))  # type: ignore[misc]
        )
    live = ScaleVersion.objects.get(market=company.market, state="live")
    rules = ScaleRule.objects.filter(version=live).count()
    offers = Offer.objects.filter(rule__version=live).count()
    ours, floor, draft_ms = map(statistics.median, (published, floors, drafts))
    return [
        Row(
            f"publish a version of {rules} rules",
            f"{ours:.1f} ms, p95 {sorted(published)[int(len(published) * 0.95)]:.1f} ms",
            f"{floor:.1f} ms",
            f"{floor / ours:.0%}",
            f"{PUBLISH_BUDGET} ms",
            ours <= PUBLISH_BUDGET,
        ),
        Row(
            f"open a draft of {rules} rules, {offers} offers",
            f"{draft_ms:.0f} ms",
            budget=f"{DRAFT_BUDGET} ms",
            met=draft_ms <= DRAFT_BUDGET,
        ),
    ]
