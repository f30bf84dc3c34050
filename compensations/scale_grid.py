"""The scale as a sheet for pages: a row for each category, a column for each severity.

A cell has offers of its own, or shows those of the rule that applies to it, or is a hole: no rule
applies, and the desk can only ask. Holes say how many cases fell into them.
"""

import datetime as dt
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import connection
from django.utils import timezone

from accounts.models import Market
from incidents.models import Category
from incidents.selectors import categories_for
from incidents.states import Segment, Severity

from .scale_cells import written
from .scale_content import Cell, Content, Offers, OfferTerms, applying
from .scale_diff import CHANGED, OfferChange, compare
from .scale_words import Speaker

SEVERITIES = tuple(str(severity) for severity in Severity)
SEGMENTS = ("", *(str(segment) for segment in Segment))
LOOK_BACK = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer in words, for a cell."""

    name: str
    kind: str
    usual: str
    conditions: list[str]
    terms: str
    # The old usual amount where it was another.
    was: str = ""
    # added, removed, changed, same; against the version it is compared with.
    change: str = "same"


@dataclass(frozen=True, slots=True)
class GridCell:
    cell: Cell
    severity: str
    lines: list[OfferLine]
    own: bool
    hole: bool
    # How it differs from what it is compared with: "", added, removed, changed.
    change: str
    amounts: str
    cases: int
    # Whose rule applies where it is not the cell's own.
    source: str = ""

    @property
    def key(self) -> str:
        return self.cell.key


@dataclass(frozen=True, slots=True)
class GridRow:
    category: Category | None
    name: str
    is_sub: bool
    cells: list[GridCell]


@dataclass(frozen=True, slots=True)
class Grid:
    rows: list[GridRow]
    holes: int
    changed: int
    # How many rules of their own each segment has, in the order of SEGMENTS.
    rules: list[int]


Cases = Mapping[tuple[int, str, str], int]

_CASES = """
SELECT incident.category_id, incident.severity, customer.segment, count(*)
FROM incidents_incident incident
JOIN incidents_customer customer ON customer.id = incident.customer_id
WHERE incident.market_id = %s AND incident.logged_at >= %s AND incident.id >= %s
  AND (incident.category_id, incident.severity) IN (
    SELECT * FROM unnest(%s::bigint[], %s::text[]))
GROUP BY 1, 2, 3
"""


def _first_id(since: dt.datetime) -> uuid.UUID:
    """Below the id of every case from `since` on: an id's moment is within a day of it."""
    moment = int((since - dt.timedelta(days=1)).timestamp()) * 1000
    return uuid.UUID(int=moment << 80)


def cases_in_holes(
    market: Market, content: Content, categories: Sequence[Category]
) -> dict[tuple[int, str, str], int]:
    """Cases of the last ninety days that no rule of this content applies to.

    By category, severity and the customer's segment. Nothing is read where there is no hole.
    """
    holes = {
        (category.pk, severity)
        for category in categories
        for severity in SEVERITIES
        for segment in SEGMENTS[1:]
        if applying(content, category.pk, category.parent_id, severity, segment) is None
    }
    if not holes:
        return {}
    parents = {category.pk: category.parent_id for category in categories}
    since = timezone.now() - LOOK_BACK
    with connection.cursor() as cursor:
        cursor.execute(
            _CASES,
            [
                market.pk,
                since,
                _first_id(since),
                [category for category, _severity in sorted(holes)],
                [severity for _category, severity in sorted(holes)],
            ],
        )
        rows = cursor.fetchall()
    return {
        (category, severity, segment): number
        for category, severity, segment, number in rows
        if applying(content, category, parents.get(category), severity, segment) is None
    }


def line_of(terms: OfferTerms, speaker: Speaker) -> OfferLine:
    """One offer in words."""
    return OfferLine(
        speaker.name(terms),
        speaker.kind(terms),
        speaker.usual(terms),
        speaker.conditions(terms),
        speaker.terms(terms),
    )


def _changed_line(change: OfferChange, speaker: Speaker) -> OfferLine:
    """One offer with its old amount where that was another."""
    terms = change.after or change.before
    assert terms is not None
    line = line_of(terms, speaker)
    was = speaker.usual(change.before) if change.before and change.kind == CHANGED else ""
    return replace(line, change=change.kind, was=was if was != line.usual else "")


@dataclass(slots=True)
class Sheet:
    """What every cell of one page needs."""

    speaker: Speaker
    content: Content
    # What it is compared with; None compares with nothing.
    base: Content | None
    segment: str
    cases: Cases
    categories: list[Category]
    shown: set[int] = field(default_factory=set)

    def build(self, *, all_subs: bool = False, wanted: str = "") -> Grid:
        """The rows: any category, every reason, and sub-reasons with a rule of their own or all.

        `wanted` keeps only rows in which the word is found.
        """
        written_in = {cell.category_id for cell in (*self.content, *(self.base or {}))}
        rows = [
            category
            for category in self.categories
            if category.parent_id is None or all_subs or category.pk in written_in
        ]
        self.shown = {category.pk for category in rows}
        found = [self._row(category) for category in (None, *rows)]
        words = _folded(wanted)
        if words:
            found = [row for row in found if words in _folded(_text(row))]
        return Grid(
            rows=found,
            holes=sum(cell.hole for row in found for cell in row.cells),
            changed=len(compare(self.base, self.content).cells) if self.base is not None else 0,
            rules=[sum(cell.segment == segment for cell in self.content) for segment in SEGMENTS],
        )

    def _row(self, category: Category | None) -> GridRow:
        return GridRow(
            category=category,
            name=category.name if category else "",
            is_sub=category is not None and category.parent_id is not None,
            cells=[self._cell(category, severity) for severity in SEVERITIES],
        )

    def _cell(self, category: Category | None, severity: str) -> GridCell:
        cell = Cell(category.pk if category else None, severity, self.segment)
        own = self.content.get(cell)
        before = self.base.get(cell) if self.base is not None else own
        place = applying(
            self.content, cell.category_id, category.parent_id if category else None, *cell[1:]
        )
        change = ""
        if self.base is not None and own != before:
            change = "added" if before is None else "removed" if own is None else "changed"
        applied = self.content[place] if place is not None else ()
        return GridCell(
            cell=cell,
            severity=severity,
            lines=self._lines(before if change == "changed" else None, own or applied),
            own=own is not None,
            # The row of any category only fills what others leave open: it is no hole itself.
            hole=place is None and category is not None,
            change=change,
            amounts=written(own or (), self.speaker.market),
            cases=self._cases(category, severity) if place is None and category else 0,
            source=self._source(place, cell) if own is None and place is not None else "",
        )

    def _lines(self, before: Offers | None, offers: Offers) -> list[OfferLine]:
        if before is None:
            return [line_of(terms, self.speaker) for terms in offers]
        place = Cell(None, "", "")
        (change,) = compare({place: before}, {place: offers}).cells
        return [_changed_line(one, self.speaker) for one in change.offers]

    def _source(self, place: Cell, cell: Cell) -> str:
        """`parent`, `any` or `segment`: whose rule it is that applies."""
        if place.category_id == cell.category_id:
            return "segment"
        return "parent" if place.category_id is not None else "any"

    def _cases(self, category: Category, severity: str) -> int:
        """Cases of the row: the category's own, and of its sub-reasons without a row."""
        inside = {category.pk} | {
            sub.pk
            for sub in self.categories
            if sub.parent_id == category.pk and sub.pk not in self.shown
        }
        return sum(
            number
            for (place, found, segment), number in self.cases.items()
            if place in inside and found == severity and self.segment in {"", segment}
        )


def sheet(
    market: Market, content: Content, *, base: Content | None = None, segment: str = ""
) -> Sheet:
    """What a page shows of a content, compared with another where one is given."""
    categories = categories_for(market)
    return Sheet(
        speaker=Speaker.of(market),
        content=content,
        base=base,
        segment=segment,
        cases=cases_in_holes(market, content, categories),
        categories=categories,
    )


def _folded(text: str) -> str:
    """Without accents and case, for searching."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in bare if not unicodedata.combining(sign)).strip()


def _text(row: GridRow) -> str:
    category = row.category
    names = [category.name_es, category.name_en, category.code] if category else []
    return " ".join(
        [
            *names,
            *(
                " ".join([line.name, line.kind, line.usual, line.terms, *line.conditions])
                for cell in row.cells
                for line in cell.lines
            ),
        ]
    )
