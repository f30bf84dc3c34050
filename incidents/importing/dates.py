"""Dates as sheets hold them. The order of day and month is decided from the whole column.

`3/4/2024` says nothing alone; a column with a 25 in the first place and none above 12 in the second
does. Where no row decides, or rows decide differently, the file is refused: a date guessed wrong is
found months later, if at all.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from .errors import CannotImport, RowRefused
from .words import MONTHS, plain

ORDERS = ("dmy", "mdy", "ymd")
TIME = r"(?:[T ,]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?P<half>[ap]\.?\s?m\.?)?)?"
ZONE = r"(?P<zone>Z|[+-]\d{2}:?\d{2})?"
YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){TIME}\s*{ZONE}", re.I)
YEAR_LAST = re.compile(rf"(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){TIME}", re.I)
WORDED = re.compile(r"(\d{1,2})[\s\-/.]+(?:de )?([a-z]{3,10})[\s\-/.,]+(?:de |del )?(\d{4})", re.I)
WORDED_MONTH_FIRST = re.compile(r"([a-z]{3,10})[\s.]+(\d{1,2})[\s,]+(\d{4})", re.I)
# A day without an hour is kept at noon of the market: the same day wherever it is read.
NOON = dt.time(12)


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a column and the line that proves it (0: no row needed deciding, or stated)."""

    order: str
    line: int = 0


def decide_order(cells: Iterable[tuple[int, str]]) -> Order:
    """The one order that every `(line, text)` of the column allows.

    Raises CannotImport when rows disagree, or when none tells day and month apart.
    """
    day_first = month_first = open_row = 0
    for line, text in cells:
        match = YEAR_LAST.fullmatch(text.strip())
        if not match:
            continue
        first, second = int(match[1]), int(match[2])
        if first > 12 >= second:
            day_first = day_first or line
        elif second > 12 >= first:
            month_first = month_first or line
        elif first != second:
            open_row = open_row or line
    if day_first and month_first:
        raise CannotImport(
            _(
                "The dates are in two orders: line %(day)d has the day first, line %(month)d the "
                "month. Correct the file, or state `date_order` in a mapping: rows that do not fit "
                "are then refused one by one."
            )
            % {"day": day_first, "month": month_first}
        )
    if day_first or not (month_first or open_row):
        return Order("dmy", day_first)
    if month_first:
        return Order("mdy", month_first)
    raise CannotImport(
        _(
            "No date tells day and month apart (line %(line)d, for one). State `date_order` in a "
            "mapping: dmy or mdy."
        )
        % {"line": open_row}
    )


def read_moment(text: str, order: str, zone: str) -> dt.datetime | None:
    """The aware moment of a cell in the market's time zone; None for an empty one.

    Raises RowRefused for what is not a date, or not one in `order`.
    """
    text = " ".join(text.split())
    if not text:
        return None
    try:
        return _moment(text, order, ZoneInfo(zone))
    except ValueError:
        message = _("“%(text)s” is not a date in the order %(order)s.")
        raise RowRefused(message % {"text": text[:40], "order": order}) from None


def _moment(text: str, order: str, zone: ZoneInfo) -> dt.datetime:
    if match := YEAR_FIRST.fullmatch(text):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        moment = dt.datetime.combine(dt.date(year, month, day), _time(match), zone)
        return _in_zone(moment, match["zone"])
    if match := YEAR_LAST.fullmatch(text):
        if order == "ymd":
            raise ValueError(text)
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        year += 2000 if year < 100 else 0
        day, month = (first, second) if order == "dmy" else (second, first)
        return dt.datetime.combine(dt.date(year, month, day), _time(match), zone)
    folded = plain(text)
    if match := WORDED.fullmatch(folded):
        day, word, year = int(match[1]), match[2], int(match[3])
    elif match := WORDED_MONTH_FIRST.fullmatch(folded):
        word, day, year = match[1], int(match[2]), int(match[3])
    else:
        raise ValueError(text)
    if word not in MONTHS:
        raise ValueError(text)
    return dt.datetime.combine(dt.date(year, MONTHS[word], day), NOON, zone)


def _time(match: re.Match[str]) -> dt.time:
    text = match["time"]
    if not text:
        return NOON
    hour, minute, *rest = text.split(":")
    hours = int(hour)
    if half := match["half"]:
        if not 1 <= hours <= 12:
            raise ValueError(text)
        hours = hours % 12 + (12 if half[0].lower() == "p" else 0)
    return dt.time(hours, int(minute), int(float(rest[0])) if rest else 0)


def _in_zone(moment: dt.datetime, offset: str | None) -> dt.datetime:
    if not offset:
        return moment
    if offset in "Zz":
        return moment.replace(tzinfo=dt.UTC)
    sign = -1 if offset[0] == "-" else 1
    away = dt.timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return moment.replace(tzinfo=dt.timezone(sign * away))
