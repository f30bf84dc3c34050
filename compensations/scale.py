"""Reading the live scale: which rule applies to a case, and what its offers allow.

A published version never changes (the database refuses), so its rules are kept in memory by version
id; only the question which version is live goes to the database each time.
"""

from dataclasses import dataclass
from functools import lru_cache

from django.db import connection

from accounts.models import Market
from common.money import share
from common.prepared import prepared
from incidents.models import Category

from .models import Offer, ScaleRule, ScaleVersion
from .refusals import AmountNeeded, OutOfRange
from .scale_content import Cell, applying
from .states import Basis, ScaleState


@dataclass(frozen=True, slots=True)
class Range:
    """What an offer allows on one case, in minor units."""

    minimum: int
    default: int
    maximum: int

    def check(self, minor: int) -> None:
        """Raises OutOfRange."""
        if not self.minimum <= minor <= self.maximum:
            raise OutOfRange(
                field="amount_minor", extra={"minimum": self.minimum, "maximum": self.maximum}
            )


def live_version(market: Market) -> ScaleVersion | None:
    """The market's live version, or None before its first publication."""
    with connection.cursor() as cursor:
        cursor.execute(
            prepared(
                cursor,
                "SELECT id FROM compensations_scaleversion WHERE market_id = %s AND state = %s",
            ),
            [market.pk, ScaleState.LIVE.value],
        )
        row = cursor.fetchone()
    return version_of(row[0]) if row else None


def version_of(version_id: int | None) -> ScaleVersion | None:
    """A published version by its id, kept in memory: it never changes."""
    return None if version_id is None else _version(version_id)


@lru_cache(maxsize=64)
def _version(version_id: int) -> ScaleVersion:
    return ScaleVersion.objects.get(pk=version_id)


@lru_cache(maxsize=64)
def _rules(version_id: int) -> dict[Cell, ScaleRule]:
    rules = ScaleRule.objects.filter(version_id=version_id).prefetch_related("offers")
    return {Cell(rule.category_id, rule.severity, rule.segment): rule for rule in rules}


def rule_for(
    version: ScaleVersion, category: Category, severity: str, segment: str
) -> ScaleRule | None:
    """The most specific rule: the category over its parent over any, then the segment over any."""
    rules = _rules(version.pk)
    cell = applying(rules, category.pk, category.parent_id, severity, segment)
    return rules[cell] if cell is not None else None


def range_of(offer: Offer, amount_at_stake_minor: int | None) -> Range:
    """The offer's range on a case. Raises AmountNeeded for a share of nothing or of an unknown."""
    if offer.basis == Basis.FIXED:
        return Range(offer.minimum, offer.default, offer.maximum)
    if amount_at_stake_minor is None:
        raise AmountNeeded(field="amount_at_stake_minor")
    cap = offer.cap_minor or 0
    low, middle, high = (
        min(share(amount_at_stake_minor, basis_points), cap)
        for basis_points in (offer.minimum, offer.default, offer.maximum)
    )
    if middle == 0:
        raise AmountNeeded(field="amount_at_stake_minor")
    return Range(low, middle, high)
