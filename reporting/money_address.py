"""The addresses of the money pages are their state: reading them, and writing their neighbours.

What an address holds that is not known is left out; it never fails a page.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise

from accounts.models import Market
from common.ordered import backwards
from compensations.states import Account, LedgerEvent, OfferKind

from .selectors.money import AGE_NAMES, END_NAMES, BookKey, Key, Open, Span

# A journal of more days is two files.
LONGEST_DAYS = 366
# Nothing was booked before: an earlier date is a slip of the hand.
EARLIEST = dt.date(2000, 1, 1)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _among(text: str, known: Mapping[str, object] | list[str]) -> str:
    return text if text in known else ""


def read_span(values: Mapping[str, str], market: Market, today: dt.date) -> Span:
    """The journal's part that an address names: this month where it names no dates.

    At most LONGEST_DAYS, of which the last ones are kept.
    """
    end = max(min(_date(values.get("to", "")) or today, today), EARLIEST)
    start = _date(values.get("from", "")) or end.replace(day=1)
    longest = end - dt.timedelta(days=LONGEST_DAYS - 1)
    return Span(
        market,
        max(min(start, end), longest),
        end,
        _among(values.get("account", ""), Account.values),
        _among(values.get("event", ""), LedgerEvent.values),
    )


@dataclass(frozen=True, slots=True)
class Turned:
    """Dates of the journal as they were typed, the last one before the first, and what to say."""

    start: dt.date
    end: dt.date
    why: Promise


def turned(values: Mapping[str, str]) -> Turned | None:
    """Dates of which `read_span` could keep the last one only."""
    start, end = _date(values.get("from", "")), _date(values.get("to", ""))
    why = backwards(start, end)
    return Turned(start, end, why) if start and end and why else None


def span_url(span: Span, name: str = "journal", **changes: str) -> str:
    """The address of a part of the journal, with some of its words changed."""
    values = {
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "account": span.account,
        "event": span.event,
        **changes,
    }
    return f"{reverse(name)}?{urlencode({key: text for key, text in values.items() if text})}"


def journal_url(start: dt.date, end: dt.date, **chosen: str) -> str:
    """The address of the journal from a local date to another, both included."""
    values = {"from": start.isoformat(), "to": end.isoformat(), **chosen}
    return f"{reverse('journal')}?{urlencode(values)}"


@dataclass(frozen=True, slots=True)
class Preset:
    """A span that is asked for often."""

    name: str
    start: dt.date
    end: dt.date


def presets(today: dt.date) -> list[Preset]:
    """Spans up to today, in the order in which they are shown."""
    month = today.replace(day=1)
    before = month - dt.timedelta(days=1)
    return [
        Preset("today", today, today),
        Preset("month", month, today),
        Preset("last_month", before.replace(day=1), before),
        Preset("year", today.replace(month=1, day=1), today),
    ]


def read_open(values: Mapping[str, str]) -> Open:
    """Which open compensations an address names."""
    return Open(
        owed="refunds" if values.get("owed") == "refunds" else "liability",
        kind=_among(values.get("kind", ""), OfferKind.values),
        nature=_among(values.get("nature", ""), ["goodwill", "statutory"]),
        age=_among(values.get("age", ""), AGE_NAMES),
        ends=_among(values.get("ends", ""), END_NAMES),
    )


def open_url(chosen: Open, **more: str) -> str:
    """The address of the list behind a figure of what is owed."""
    values = {
        "owed": "refunds" if chosen.owed == "refunds" else "",
        "kind": chosen.kind,
        "nature": chosen.nature,
        "age": chosen.age,
        "ends": chosen.ends,
        **more,
    }
    query = urlencode({key: text for key, text in values.items() if text})
    return reverse("liability-list") + (f"?{query}" if query else "")


def write_key(at: dt.datetime, row: object) -> str:
    """The key of a page's last row, for the address of the next."""
    return f"{at.astimezone(dt.UTC).isoformat()}~{row}"


def read_open_key(text: str) -> Key | None:
    at, key = _read_key(text)
    try:
        return (at, uuid.UUID(key)) if at else None
    except ValueError:
        return None


def read_book_key(text: str) -> BookKey | None:
    at, key = _read_key(text)
    return (at, int(key)) if at and key.isascii() and key.isdigit() and len(key) < 19 else None


def _read_key(text: str) -> tuple[dt.datetime | None, str]:
    moment, _tilde, key = text.partition("~")
    try:
        at = dt.datetime.fromisoformat(moment)
    except ValueError:
        return None, ""
    return (at if at.tzinfo is not None else None), key
