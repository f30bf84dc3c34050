"""One line of the file into one case to be, or the reason why not.

Nothing here writes. What the market calls its categories and locations is read once, before the
first row.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ParamSpec, TypeVar, cast

from django.utils.translation import gettext as _

from accounts.models import Location, Market
from common.contacts import normalise_email, normalise_phone
from common.errors import InvalidInput
from common.money import digits, parse_money

from .. import bounds
from ..models import Category
from ..states import CATCH_ALL, ContactChannel, IncidentKind
from .dates import read_moment
from .errors import CannotImport, RowRefused
from .mapping import Mapping
from .reading import Row, Table
from .words import VALUES, known_value, plain

# What a spreadsheet makes of a long number: `1.23457E+11` is no reference any more.
RUINED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
DEFAULT_CHANNEL = ContactChannel.WEB
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """Who complained, as far as the row says; all empty for nobody named."""

    name: str = ""
    phone: str = ""
    email: str = ""
    number: str = ""
    language: str = ""

    @property
    def known(self) -> bool:
        return bool(self.name or self.phone or self.email or self.number)


@dataclass(frozen=True, slots=True)
class Draft:
    """A case to be. `reference` names the row in its source; `print` is of all its cells."""

    line: int
    reference: str
    print: str
    narrative: str
    category: Category
    severity: str
    kind: str
    channel: str
    location: Location | None
    order_ref: str
    amount_minor: int | None
    occurred_at: datetime | None
    person: Person

    @property
    def source_ref(self) -> str:
        """Unique in the source: the reference with a print, so that a changed row is noticed."""
        return f"{self.reference}#{self.print}"


class RowFaults:
    """Judges the cells of one row and tells together what is wrong with any of them."""

    def __init__(self) -> None:
        self._reasons: list[str] = []

    def of(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `read` makes of a cell; nothing after a fault, and then `refuse` raises."""
        try:
            return read(*args, **kwargs)
        except RowRefused as refusal:
            self._reasons += refusal.reasons
        except InvalidInput as fault:
            self._reasons.append(f"{fault.field or ''}: {fault}".removeprefix(": "))
        return cast("T", None)

    def refuse(self) -> None:
        """Raises RowRefused with every reason, if there is one."""
        if self._reasons:
            raise RowRefused(*self._reasons)


def row_print(row: Row) -> str:
    """A short print of what the row says, whatever the order of its columns."""
    cells = sorted((plain(name), " ".join(value.split())) for name, value in row.cells.items())
    return hashlib.sha256(repr(cells).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Reader:
    """Turns rows into drafts; counts the values it had to put under a default."""

    market: Market
    mapping: Mapping
    date_order: str
    categories: dict[str, Category]
    other: Category
    locations: dict[str, Location]
    replaced: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def read(self, row: Row) -> Draft:
        """The draft of a row. Raises RowRefused."""
        if row.problem:
            # Its cells may stand under other columns: what they say is not judged.
            raise RowRefused(row.problem)
        faults = RowFaults()
        draft = self._draft(row, faults)
        faults.refuse()
        return draft

    def _draft(self, row: Row, faults: RowFaults) -> Draft:
        """What the row says; after a fault a draft that nobody may use."""
        category = self._category(row)
        return Draft(
            line=row.line,
            reference=faults.of(self._reference, row),
            print=row_print(row),
            narrative=faults.of(self._narrative, row),
            category=category,
            severity=self._valued(row, "severity", category.suggested_severity),
            kind=self._valued(row, "kind", IncidentKind.CLAIM),
            channel=self._valued(row, "channel", DEFAULT_CHANNEL),
            location=self._location(row),
            order_ref=faults.of(bounds.text, self._cell(row, "order"), "order_ref", 60),
            amount_minor=faults.of(self._amount, row),
            occurred_at=faults.of(self._moment, row),
            person=self._person(row, faults),
        )

    def _cell(self, row: Row, name: str) -> str:
        columns = self.mapping.columns.get(name, [])
        return " ".join(row.cells[columns[0]].split()) if columns else ""

    def _reference(self, row: Row) -> str:
        parts = [row.cells[name].strip() for name in self.mapping.columns.get("reference", [])]
        text = "-".join(parts) if all(parts) else ""
        if RUINED.fullmatch(text):
            raise RowRefused(
                _("The reference %(text)s was ruined by a spreadsheet.") % {"text": text}
            )
        return bounds.text(text, "reference", 90)

    def _narrative(self, row: Row) -> str:
        return bounds.text(self._told(row), "narrative", 5000, required=True)

    def _told(self, row: Row) -> str:
        columns = self.mapping.columns["narrative"]
        if not any(row.cells[name].strip() for name in columns):
            raise RowRefused(
                _("Nothing says what happened (%(columns)s).") % {"columns": ", ".join(columns)}
            )
        if len(columns) == 1:
            return row.cells[columns[0]]
        told = [(name, " ".join(row.cells[name].split())) for name in columns]
        return "\n".join(f"{name}: {text}" for name, text in told if text)

    def _category(self, row: Row) -> Category:
        """The sub-reason if the market has it, else the reason, else where the rest is kept."""
        replacements = self.mapping.values.get("category", {})
        said = [self._cell(row, "subcategory"), self._cell(row, "category")]
        for text in filter(None, said):
            word = plain(text)
            found = self.categories.get(plain(replacements.get(word, text)))
            if found is not None:
                return found
        text = next(filter(None, said), "")
        self.replaced["category", text, self.other.code] += 1
        return self.other

    def _valued(self, row: Row, name: str, fallback: str) -> str:
        """The cell's value: by the mapping, by its own words, else the default."""
        text = self._cell(row, name)
        default = self.mapping.defaults.get(name, str(fallback))
        if not text:
            return default
        value = self.mapping.values.get(name, {}).get(plain(text)) or known_value(name, text)
        if value is None:
            self.replaced[name, text, default] += 1
            return default
        return value

    def _location(self, row: Row) -> Location | None:
        text = self._cell(row, "location") or self.mapping.defaults.get("location", "")
        if not text:
            return None
        said = self.mapping.values.get("location", {}).get(plain(text), text)
        found = self.locations.get(plain(said))
        if found is None:
            self.replaced["location", text, "—"] += 1
        return found

    def _moment(self, row: Row) -> datetime | None:
        """When it happened, else the mapping's day; None where neither says."""
        zone = self.market.time_zone
        moment = read_moment(self._cell(row, "date"), self.date_order, zone)
        moment = moment or read_moment(self.mapping.defaults.get("date", ""), "ymd", zone)
        return bounds.past_moment(moment, "date")

    def _amount(self, row: Row) -> int | None:
        text = self._cell(row, "amount")
        if not text:
            return None
        locale = {".": "es-MX", ",": "es-CO"}.get(self.mapping.decimal, self.market.locale)
        try:
            return parse_money(text, self.market.currency, locale)
        except InvalidInput as error:
            places = digits(self.market.currency)
            raise RowRefused(
                _("“%(text)s” is not an amount with up to %(places)d decimals. %(hint)s")
                % {"text": text[:40], "places": places, "hint": error}
            ) from error

    def _person(self, row: Row, faults: RowFaults) -> Person:
        names = [row.cells[name].strip() for name in self.mapping.columns.get("customer_name", [])]
        phone, email = self._cell(row, "phone"), self._cell(row, "email")
        name, number = " ".join(filter(None, names)), self._cell(row, "customer_ref")
        return Person(
            name=faults.of(bounds.text, name, "customer_name", 120),
            phone=faults.of(normalise_phone, phone, self.market.country) if phone else "",
            email=faults.of(normalise_email, email) if email else "",
            number=faults.of(bounds.text, number, "customer_ref", 60),
            language=self._valued(row, "language", self.market.language),
        )


def make_reader(table: Table, mapping: Mapping, market: Market, date_order: str) -> Reader:
    """Reads what the market calls things. Raises CannotImport for a mapping it cannot follow."""
    rows = list(Category.objects.filter(market=market, is_active=True))
    categories: dict[str, Category] = {}
    # Names first: where a code and another's name are the same word, the code wins.
    for row in rows:
        categories.setdefault(plain(row.name_es), row)
        categories.setdefault(plain(row.name_en), row)
    categories.update({plain(row.code): row for row in rows})
    for cell, said in mapping.values.get("category", {}).items():
        if plain(said) not in categories:
            raise CannotImport(
                _(
                    "The mapping sends “%(cell)s” to the category “%(code)s”, which is not one of "
                    "%(market)s."
                )
                % {"cell": cell, "code": said, "market": market.code}
            )
    for name, words in VALUES.items():
        wanted = [*mapping.values.get(name, {}).values(), mapping.defaults.get(name, "")]
        wrong = [value for value in wanted if value and value not in words]
        if wrong:
            raise CannotImport(
                _("“%(value)s” is no %(field)s. Known: %(known)s.")
                % {"value": wrong[0], "field": name, "known": ", ".join(words)}
            )
    places = list(Location.objects.filter(market=market, is_active=True))
    locations = {plain(place.name): place for place in places}
    locations.update({plain(place.code): place for place in places})
    return Reader(
        market, mapping, date_order, categories, _other(mapping, market, categories), locations
    )


def _other(mapping: Mapping, market: Market, categories: dict[str, Category]) -> Category:
    """Where rows without a known category go: the mapping's default, else the market's own."""
    named = mapping.defaults.get("category", "")
    words = [plain(named)] if named else [plain(word) for word in CATCH_ALL]
    found = next((categories[word] for word in words if word in categories), None)
    if found is None:
        codes = ", ".join(sorted({row.code for row in categories.values()})) or "—"
        raise CannotImport(
            _(
                "%(market)s has no category “%(code)s” for rows without one. Name another as "
                "“defaults.category” in a mapping. It has: %(codes)s."
            )
            % {"market": market.code, "code": named or "other", "codes": codes}
        )
    return found
