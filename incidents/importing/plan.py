"""What a run will do with each row, decided before anything is written: the dry run shows this."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from accounts.models import Market

from .dates import Order, decide_order
from .errors import RowRefused
from .mapping import Mapping
from .reading import Row, Table
from .rows import Draft, Reader, make_reader
from .writing import Known, known_rows


@dataclass(slots=True)
class Plan:
    """New cases, rows that are there already, refused rows each with all its reasons.

    `unused` are the columns of which nothing is kept.
    """

    source: str
    order: Order | None
    reader: Reader
    drafts: list[Draft] = field(default_factory=list)
    known: int = 0
    unused: tuple[str, ...] = ()
    refused: list[tuple[Row, tuple[str, ...]]] = field(default_factory=list)

    @property
    def undated(self) -> int:
        """How many of the new cases do not say when it happened."""
        return sum(draft.occurred_at is None for draft in self.drafts)


def source_of(table: Table, mapping: Mapping) -> str:
    """The name under which rows are remembered: given, or a print of the file's columns.

    The same export under another name, or grown by new rows, is the same source.
    """
    return mapping.source or f"import:{table.layout}"


def unused_columns(table: Table, mapping: Mapping) -> tuple[str, ...]:
    """The columns that no field takes, in the order of the file."""
    used = {column for columns in mapping.columns.values() for column in columns}
    return tuple(column for column in table.columns if column not in used)


def date_order(table: Table, mapping: Mapping) -> Order | None:
    """The order of the date column; None without one. Raises CannotImport when it is not clear."""
    columns = mapping.columns.get("date")
    if not columns:
        return None
    if mapping.date_order:
        return Order(mapping.date_order)
    name = columns[0]
    return decide_order((row.line, row.cells[name]) for row in table.rows if not row.problem)


def make_plan(table: Table, mapping: Mapping, market: Market) -> Plan:
    """Reads every row. Raises CannotImport when the file as a whole cannot be understood."""
    order = date_order(table, mapping)
    reader = make_reader(table, mapping, market, order.order if order else "ymd")
    plan = Plan(source_of(table, mapping), order, reader, unused=unused_columns(table, mapping))
    known = known_rows(market, plan.source)
    seen: dict[str, Draft] = {}
    for row in table.rows:
        try:
            draft = reader.read(row)
            new = _is_new(draft, known, seen)
        except RowRefused as refusal:
            plan.refused.append((row, refusal.reasons))
            continue
        if new:
            plan.drafts.append(draft)
        else:
            plan.known += 1
    return plan


def _is_new(draft: Draft, known: Known, seen: dict[str, Draft]) -> bool:
    """Whether to add it; False when it is there. Raises RowRefused for a repeated reference."""
    key = draft.reference or draft.print
    first = seen.setdefault(key, draft)
    if first is not draft:
        if first.print == draft.print:
            raise RowRefused(_("It repeats line %(line)d.") % {"line": first.line})
        raise RowRefused(
            _("Line %(line)d has the same reference with other content.") % {"line": first.line}
        )
    if draft.print in known.prints:
        return False
    if draft.reference and draft.reference in known.references:
        raise RowRefused(_("Its reference was imported before with other content."))
    return True
