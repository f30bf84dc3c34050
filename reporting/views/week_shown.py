"""The picture of when goodwill is issued: weekdays by hours of the market's clock, with the lists.

Only words and addresses are added here; nothing is counted.
"""

import datetime as dt
from collections import Counter

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.heat import Heat, Side

from ..figures import Writer
from ..filters import Address
from ..selectors.board import Board
from ..selectors.week import DAYS, HOURS
from ..states import Measure
from .shown import LAW


def hour_written(hour: int) -> str:
    """`20:00 to 21:00`; the last one ends at 24:00."""
    return _("%(start)s to %(end)s") % {"start": f"{hour:02}:00", "end": f"{hour + 1:02}:00"}


def by_week_hour(board: Board, address: Address) -> Heat:
    """Goodwill compensations by the weekday and hour of their issue."""
    write = Writer.of(board.part.market)
    week = board.given.week
    values = [week[HOURS * day : HOURS * (day + 1)] for day in range(DAYS)]

    def link(weekday: int | None, hour: int | None) -> str:
        narrowed = dict(LAW)
        if weekday is not None:
            narrowed["weekday"] = str(weekday + 1)
        if hour is not None:
            narrowed["hour"] = str(hour)
        return address.behind(Measure.ISSUED, **narrowed)

    return Heat(
        sentence=_sentence(week, write),
        heading=_("Hour"),
        rows=_weekdays(board, write),
        columns=[Side(hour_written(hour), f"{hour:02}:00") for hour in range(HOURS)],
        values=values,
        link=link,
        show=write.count,
        every=3,
    )


def _weekdays(board: Board, write: Writer) -> list[Side]:
    """Each weekday with how many the days hold: a month has five of some and four of others."""
    part = board.part
    held = Counter(
        (part.start + dt.timedelta(days=number)).weekday() for number in range(part.days)
    )
    return [
        Side(
            str(WEEKDAYS[day]),
            str(WEEKDAYS_ABBR[day]),
            ngettext("%(count)s day", "%(count)s days", held[day])
            % {"count": write.count(held[day])},
        )
        for day in range(DAYS)
    ]


def _sentence(week: list[int], write: Writer) -> str:
    """How many, and the fullest hour, where there is one."""
    total, top = sum(week), max(week)
    if not total:
        return _("Nothing was issued in these days.")
    if week.count(top) > 1:
        return _(
            "%(total)s goodwill compensations; no hour of the week stands out: %(top)s at most."
        ) % {"total": write.count(total), "top": write.count(top)}
    weekday, hour = divmod(week.index(top), HOURS)
    return ngettext(
        "%(total)s goodwill compensation, on %(day)s, %(hour)s.",
        "%(total)s goodwill compensations; the most on %(day)s, %(hour)s: %(top)s.",
        total,
    ) % {
        "total": write.count(total),
        "day": WEEKDAYS[weekday],
        "hour": hour_written(hour),
        "top": write.count(top),
    }
