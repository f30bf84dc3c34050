"""What differs between two versions of the scale, cell by cell and offer by offer.

Offers of a cell are the same one when kind and Spanish name are; of what is left, those that share
one of both are matched, so that a new name reads as a change and not as one gone and another come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from .scale_content import Cell, Content, Offers, OfferTerms

ADDED, REMOVED, CHANGED, SAME = "added", "removed", "changed", "same"
FIELDS = tuple(field.name for field in fields(OfferTerms))


@dataclass(frozen=True, slots=True)
class OfferChange:
    """One offer before and after; one of both is None where it came or went."""

    before: OfferTerms | None
    after: OfferTerms | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return ADDED
        if self.after is None:
            return REMOVED
        return SAME if self.before == self.after else CHANGED

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what differs in an offer that stays."""
        if self.before is None or self.after is None:
            return ()
        return tuple(
            name for name in FIELDS if getattr(self.before, name) != getattr(self.after, name)
        )


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell before and after; None where it has no rule."""

    cell: Cell
    before: Offers | None
    after: Offers | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return ADDED
        return REMOVED if self.after is None else CHANGED

    @property
    def offers(self) -> list[OfferChange]:
        """Every offer of the cell, in the new order, then what went."""
        return list(_match(self.before or (), self.after or ()))


@dataclass(frozen=True, slots=True)
class Difference:
    """Every cell that differs, of all the cells that either version has."""

    cells: Sequence[CellChange]
    total: int

    def count(self, kind: str) -> int:
        return sum(1 for change in self.cells if change.kind == kind)

    @property
    def added(self) -> int:
        return self.count(ADDED)

    @property
    def removed(self) -> int:
        return self.count(REMOVED)

    @property
    def changed(self) -> int:
        return self.count(CHANGED)

    def reaches(self, percent: int) -> bool:
        """Whether at least this share of the cells differs."""
        return bool(self.cells) and len(self.cells) * 100 >= percent * self.total


def _match(before: Sequence[OfferTerms], after: Sequence[OfferTerms]) -> Iterator[OfferChange]:
    old = {(terms.kind, terms.name_es): terms for terms in before}
    new = {(terms.kind, terms.name_es) for terms in after}
    left = [terms for key, terms in old.items() if key not in new]
    for terms in after:
        known = old.get((terms.kind, terms.name_es))
        if known is None:
            known = next(
                (row for row in left if row.kind == terms.kind or row.name_es == terms.name_es),
                None,
            )
            if known is not None:
                left.remove(known)
        yield OfferChange(known, terms)
    for terms in left:
        yield OfferChange(terms, None)


def compare(before: Content, after: Content) -> Difference:
    """From `before` to `after`; cells in no particular order."""
    union = {**before, **after}
    changes = [
        CellChange(cell, before.get(cell), after.get(cell))
        for cell in union
        if before.get(cell) != after.get(cell)
    ]
    return Difference(changes, len(union))
