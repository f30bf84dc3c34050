"""The address of a page of issuance is its state: reading it, and writing the addresses beside it.

Shape only: what may be seen is the sight that comes in. What an address holds that is not known is
left out; it never fails a page. The API reads the same words and refuses what it does not know.
"""

import calendar
import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Location, Team
from common.menus import Choice, Menu, Text, menus
from common.ordered import backwards
from common.windows import local_date
from compensations.states import OfferKind
from incidents.models import Category
from incidents.states import ContactChannel

from .selectors.given import EDGES
from .selectors.lists import Narrow
from .selectors.sight import Sight
from .selectors.slices import Slice
from .selectors.week import DAYS, HOURS
from .states import Measure

PERIODS: dict[str, Text] = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "week": _("This week"),
    "month": _("This month"),
    "last-month": _("Last month"),
    "30": _("Last 30 days"),
}
OWN_DATES = "own"
USUAL = "month"
COMPARISONS: dict[str, Text] = {
    "previous": _("The days before"),
    "month": _("A month before"),
    "year": _("A year before"),
    "none": _("Nothing"),
}
# Of each period, what people hold it against without being asked.
USUAL_COMPARISON = {"month": "month", "last-month": "month"}
LONGEST_DAYS = 366
EARLIEST = dt.date(2000, 1, 1)
SORTS = (
    "name",
    "cases",
    "share",
    "value",
    "mean",
    "peers",
    "requests",
    "rejected",
    "voids",
    "repeat",
    "limit",
)
USUAL_SORT = "-value"
# What a page's address may hold, in the order in which it is written.
NAMES = ("period", "from", "to", "compare", "team", "location", "category", "channel", "staff")
LIST_NAMES = ("measure", "kind", "law", "customer", "left", "age", "weekday", "hour")
MOST_PAGES = 1000


def month_before(date: dt.date, months: int) -> dt.date:
    """The same day so many months earlier, or the last one of a shorter month."""
    index = date.year * 12 + date.month - 1 - months
    year, month = divmod(index, 12)
    return date.replace(
        year=year, month=month + 1, day=min(date.day, calendar.monthrange(year, month + 1)[1])
    )


@dataclass(frozen=True, slots=True)
class Period:
    """Local dates from `start` until before `end`."""

    key: str
    start: dt.date
    end: dt.date

    @property
    def last(self) -> dt.date:
        return self.end - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days


def read_date(text: str) -> dt.date | None:
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return date if date >= EARLIEST else None


def no_period(first: dt.date, last: dt.date, today: dt.date) -> Text | None:
    """Why two dates make no period, where they do not."""
    if first < EARLIEST:
        return _("Nothing was recorded so long ago.")
    if last > today:
        return _("The last date is later than today.")
    if fault := backwards(first, last):
        return fault
    if (last - first).days >= LONGEST_DAYS:
        return _("These dates are more than a year apart.")
    return None


def read_period(key: str, first: str, last: str, today: dt.date) -> Period:
    """A preset up to today, or one's own dates, the last one included.

    Dates that make no period, or one of more than LONGEST_DAYS, give the usual one.
    """
    day = dt.timedelta(days=1)
    month = today.replace(day=1)
    start, end = read_date(first), read_date(last)
    if key == OWN_DATES and start and end and no_period(start, end, today) is None:
        return Period(key, start, end + day)
    presets = {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "week": (today - today.weekday() * day, today + day),
        "month": (month, today + day),
        "last-month": ((month - day).replace(day=1), month),
        "30": (today - 29 * day, today + day),
    }
    name = key if key in presets else USUAL
    return Period(name, *presets[name])


@dataclass(frozen=True, slots=True)
class Unread:
    """One's own dates as they were typed, and why they make no period."""

    start: dt.date
    last: dt.date
    why: Text


def unread_period(key: str, first: str, last: str, today: dt.date) -> Unread | None:
    """Dates that `read_period` passed over. What is no date at all is left out without a word."""
    if key != OWN_DATES:
        return None
    try:
        start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    except ValueError:
        return None
    why = no_period(start, end, today)
    return Unread(start, end, why) if why else None


def compared(period: Period, how: str) -> Period | None:
    """The period that another is held against; None for nothing."""
    if how == "none":
        return None
    if how in {"month", "year"}:
        months = 12 if how == "year" else 1
        start = month_before(period.start, months)
        if period.key == "last-month" and how == "month":
            return Period(how, start, period.start)
        last = month_before(period.last, months)
        return Period(how, start, last + dt.timedelta(days=1))
    return Period(how, period.start - dt.timedelta(days=period.days), period.start)


@dataclass(slots=True, kw_only=True)
class Address:
    """What an address of issuance asks for. `values` hold what was understood, as it is written."""

    path: str
    list_path: str
    sight: Sight
    period: Period
    # The dates that were asked for instead of the period, where they make none.
    unread: Unread | None
    comparison: Period | None
    compare: str
    part: Slice
    values: dict[str, str]
    options: Mapping[str, Mapping[str, Text]]
    sort: str = USUAL_SORT
    page: int = 1
    measure: Measure = Measure.ISSUED
    narrow: Narrow = field(default_factory=Narrow)
    extra: dict[str, str] = field(default_factory=dict)
    after: uuid.UUID | None = None
    before: uuid.UUID | None = None

    def url(self, **changed: str) -> str:
        """The page's address with some values changed; the number of the page is left out."""
        merged = {**self.values, "sort": "" if self.sort == USUAL_SORT else self.sort, **changed}
        return _written(self.path, merged)

    def behind(self, measure: Measure, **changed: str) -> str:
        """The address of the list behind a number."""
        return _written(self.list_path, {**self.values, **changed, "measure": measure.value})

    def list_url(self, **changed: str) -> str:
        """This list's own address with some values changed."""
        merged = {**self.values, **self.extra, "measure": self.measure.value, **changed}
        return _written(self.list_path, merged)

    def sorted_by(self, name: str) -> str:
        """The address that sorts by a column, or turns it round where it is sorted by it."""
        first = name if name == "name" else f"-{name}"
        turned = first.removeprefix("-") if first.startswith("-") else f"-{first}"
        return self.url(sort=turned if self.sort == first else first)

    def sort_state(self, name: str) -> str:
        """What `aria-sort` says of a column."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")

    def menus(self) -> list[Menu]:
        """The filters beside the period, each with its choices."""
        labels: dict[str, Text] = {
            "team": _("Team"),
            "location": _("Location"),
            "category": _("Category"),
            "channel": _("Channel"),
        }
        return list(menus(labels, self.options, self.values, self.url))

    def presets(self) -> list[Choice]:
        dropped = {"from": "", "to": ""}
        return [
            Choice(label, self.url(period=key, **dropped), key == self.period.key)
            for key, label in PERIODS.items()
        ]

    def comparisons(self) -> list[Choice]:
        return [
            Choice(label, self.url(compare=key), key == self.compare)
            for key, label in COMPARISONS.items()
        ]

    @property
    def filtered(self) -> bool:
        return any(self.values.get(name) for name in NAMES[4:])

    @property
    def unfiltered_url(self) -> str:
        return self.url(**dict.fromkeys(NAMES[4:], ""))


def _written(path: str, values: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path


def read_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _options(
    categories: list[Category], locations: list[Location], teams: list[Team]
) -> dict[str, Mapping[str, Text]]:
    return {
        "team": {str(row.pk): row.name for row in teams},
        "location": {str(row.pk): row.name for row in locations},
        "category": {
            str(row.pk): f"\u2003{row.name}" if row.parent_id else row.name for row in categories
        },
        "channel": dict(ContactChannel.choices),
    }


def _under(categories: list[Category], key: str) -> tuple[int, ...] | None:
    """A category's own id and those of its sub-reasons."""
    if not key:
        return None
    top = int(key)
    return (top, *(row.pk for row in categories if row.parent_id == top))


def read_address(
    sight: Sight,
    query: QueryDict,
    *,
    path: str,
    list_path: str,
    categories: list[Category],
    locations: list[Location],
    teams: list[Team],
    today: dt.date | None = None,
) -> Address:
    """What an address asks for, each filter held to the values it may take in this sight.

    A person is named by id; one of whom nothing is visible gives an empty page, as one who never
    existed does.
    """
    options = _options(categories, locations, teams)
    values = {
        name: value
        for name, allowed in options.items()
        if (value := query.get(name, "")) in allowed
    }
    staff = read_uuid(query.get("staff", ""))
    if staff is not None and not sight.own:
        values["staff"] = str(staff)
    day = today or local_date(timezone.now(), sight.market.time_zone)
    asked = (query.get("period", ""), query.get("from", ""), query.get("to", ""), day)
    period = read_period(*asked)
    if period.key == OWN_DATES:
        values |= {
            "period": OWN_DATES,
            "from": period.start.isoformat(),
            "to": period.last.isoformat(),
        }
    elif query.get("period"):
        values["period"] = period.key
    compare = query.get("compare", "")
    if compare in COMPARISONS:
        values["compare"] = compare
    else:
        compare = USUAL_COMPARISON.get(period.key, "previous")
    if sight.own:
        values["own"] = "1"
    part = Slice(
        sight=sight,
        start=period.start,
        end=period.end,
        team=int(values["team"]) if "team" in values else None,
        location=int(values["location"]) if "location" in values else None,
        categories=_under(categories, values.get("category", "")),
        channel=values.get("channel"),
        staff=uuid.UUID(values["staff"]) if "staff" in values else None,
    )
    sort = query.get("sort", "")
    return Address(
        path=path,
        list_path=list_path,
        sight=sight,
        period=period,
        unread=unread_period(*asked),
        comparison=compared(period, compare),
        compare=compare,
        part=part,
        values=values,
        options=options,
        sort=sort if sort.removeprefix("-") in SORTS else USUAL_SORT,
        page=_page(query.get("page", "")),
    )


def read_list(address: Address, query: QueryDict) -> None:
    """What the address of a list asks for besides; cases that nobody owns have an id of their own.

    Bands of a chart are those of `selectors.given`. Weekdays are 1 for Monday to 7; what counts
    this moment, whatever the period, has none and no hour.
    """
    wanted = query.get("measure", "")
    address.measure = Measure(wanted) if wanted in Measure.values else Measure.ISSUED
    kinds = tuple(kind for kind in query.get("kind", "").split(",") if kind in OfferKind.values)
    law = {"yes": True, "no": False}.get(query.get("law", ""))
    customer = read_uuid(query.get("customer", ""))
    bands = {
        name: int(text)
        for name in ("left", "age")
        if (text := query.get(name, "")) in {str(index) for index in range(len(EDGES) + 1)}
    }
    week = {} if address.measure.is_of_now else _of_week(query)
    weekday = week.get("weekday")
    address.part = replace(address.part, kinds=kinds or None, is_statutory=law)
    address.narrow = Narrow(
        customer=customer,
        weekday=weekday - 1 if weekday else None,
        hour=week.get("hour"),
        **bands,
    )
    address.extra = {
        name: text
        for name, text in {
            "kind": ",".join(kinds),
            "law": query.get("law", "") if law is not None else "",
            "customer": str(customer) if customer else "",
            **{name: str(number) for name, number in {**bands, **week}.items()},
        }.items()
        if text
    }
    address.after = read_uuid(query.get("after", ""))
    address.before = read_uuid(query.get("before", ""))


def _of_week(query: QueryDict) -> dict[str, int]:
    """The weekday and the hour of an address, where they are any."""
    allowed = {"weekday": range(1, DAYS + 1), "hour": range(HOURS)}
    return {
        name: int(text)
        for name, numbers in allowed.items()
        if (text := query.get(name, "")) in {str(number) for number in numbers}
    }


def _page(text: str) -> int:
    return min(int(text), MOST_PAGES) if text.isascii() and text.isdigit() and int(text) else 1
