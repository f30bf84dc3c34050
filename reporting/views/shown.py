"""What the pages of issuance show of the figures: tiles, lines, charts, each number with its list.

Only words and addresses are added here; nothing is counted.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate

from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, npgettext
from django.utils.translation import gettext as _

from common.charts import Bar, Bars, Columns, Row
from common.sentences import since
from compensations.states import LimitWindow, OfferKind
from compensations.states import Measure as LimitMeasure
from incidents.models import Category

from ..figures import Writer, ratio, rounded
from ..filters import OWN_DATES, Address
from ..selectors.board import Board
from ..selectors.dashboard import Agent, Figures
from ..selectors.given import Band, LimitUse
from ..selectors.slices import NOBODY
from ..states import Measure

# Series that a reader can tell apart by colour, the last of them for all other kinds.
MOST_SERIES = 5
# More columns than this are weeks, and more weeks than this are months.
MOST_COLUMNS = 45
REASONS = 8
LAW = {"law": "no"}
NEAR, FULL = Fraction(8, 10), Fraction(1)


def linked(text: str, href: str = "") -> SafeString:
    """A figure as it is written, a link where a list stands behind it; a zero is quiet.

    Written here and not by a template for each: a page has hundreds of them.
    """
    if href:
        return format_html('<a class="adds" href="{}">{}</a>', href, text)
    if text == "0":
        return SafeString('<span class="muted">0</span>')
    return conditional_escape(text)


@dataclass(frozen=True, slots=True)
class Note:
    """A line under a tile: words before and after a number."""

    number: SafeString
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class Tile:
    label: str
    value: SafeString
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Room:
    """How full the tightest of a person's own windows is now."""

    text: str
    percent: int
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One agent of the table, written."""

    agent: Agent
    name: str
    href: str
    cases: SafeString
    compensated: SafeString
    share: str
    value: SafeString
    expected: str
    law: SafeString | None
    mean: str
    peers: str
    is_far: bool
    requested: SafeString
    rejected: SafeString | None
    voided: SafeString
    repeat: SafeString
    reason: str
    reason_share: str
    days: Sequence[int]
    days_words: str
    room: Room | None


class Shown:
    """Writes one board for one reader."""

    def __init__(self, board: Board, address: Address) -> None:
        self.board = board
        self.address = address
        self.write = Writer.of(board.part.market)

    # Numbers -----------------------------------------------------------------------------------

    def count(self, number: int, measure: Measure, **narrowed: str) -> SafeString:
        """A count with its list; zero is no link."""
        href = self.address.behind(measure, **narrowed) if number else ""
        return linked(self.write.count(number), href)

    def money(self, minor: int, measure: Measure, **narrowed: str) -> SafeString:
        href = self.address.behind(measure, **narrowed) if minor else ""
        return linked(self.write.money(minor), href)

    def _change(self, now: int, before: int | None) -> list[Note]:
        """How a count or value stands to the period compared with."""
        if not before:
            return []
        return [Note(linked(self.write.change(Fraction(now, before) - 1)))]

    # Tiles -------------------------------------------------------------------------------------

    def tiles(self) -> list[Tile]:
        figures, before = self.board.totals, self.board.before
        return [
            Tile(
                _("Incidents"),
                self.count(figures.cases, Measure.CASES),
                [
                    Note(
                        self.count(figures.compensated, Measure.COMPENSATED),
                        after=ngettext(
                            "compensated, %(share)s", "compensated, %(share)s", figures.compensated
                        )
                        % {"share": self.write.share(figures.share_compensated)},
                    ),
                    *self._imported_note(figures),
                    # A file that arrives is no wave of complaints.
                    *self._change(figures.logged_here, before.logged_here if before else None),
                ],
            ),
            self._value_tile(figures, before),
            Tile(
                _("Within the scale"),
                linked(self.write.share(figures.within_scale, 1)),
                [
                    Note(
                        self.count(figures.direct, Measure.DIRECT),
                        after=_("of %(number)s without approval")
                        % {"number": self.write.count(figures.all_issued)},
                    ),
                    *self._approved_note(figures),
                    *self._points(figures.within_scale, before.within_scale if before else None),
                ],
            ),
            self._waiting_tile(),
            Tile(
                _("Time to compensation"),
                linked(self.write.span(figures.mean_seconds)),
                [
                    Note(linked(""), before=_("mean")),
                    *self._clock_notes(figures),
                ],
            ),
            Tile(
                _("Redeemed"),
                linked(self.write.share(self.board.given.redeemed_share)),
                [
                    Note(self.count(self.board.given.redeemed, Measure.USED), after=_("by now")),
                    Note(
                        self.count(self.board.given.coupons, Measure.COUPONS),
                        before=_("of"),
                        after=ngettext("coupon issued", "coupons issued", self.board.given.coupons),
                    ),
                ],
            ),
        ]

    def _value_tile(self, figures: Figures, before: Figures | None) -> Tile:
        notes = [Note(linked(self.write.about(Fraction(figures.expected))), before=_("costs"))]
        if figures.law_face:
            law = self.money(figures.law_face, Measure.ISSUED, law="yes")
            notes.append(Note(law, before=_("and by law")))
        notes += self._change(figures.face, before.face if before else None)
        return Tile(_("Value issued"), self.money(figures.face, Measure.ISSUED, **LAW), notes)

    def _approved_note(self, figures: Figures) -> list[Note]:
        if not figures.approved:
            return []
        return [Note(self.count(figures.approved, Measure.APPROVED), after=_("after approval"))]

    def _imported_note(self, figures: Figures) -> list[Note]:
        if not figures.imported:
            return []
        number = linked(self.write.count(figures.imported))
        return [Note(number, after=ngettext("imported", "imported", figures.imported))]

    def _clock_notes(self, figures: Figures) -> list[Note]:
        """How the cases with clocks stand: settled in time, late, and open with time left."""
        notes = [
            Note(
                self.count(figures.met, Measure.ON_TIME),
                after=_("settled in time, %(share)s")
                % {"share": self.write.share(figures.clocks_met)},
            )
        ]
        if figures.breached:
            notes.append(Note(self.count(figures.breached, Measure.LATE), after=_("past a clock")))
        if figures.running:
            notes.append(
                Note(self.count(figures.running, Measure.RUNNING), after=_("open, in time"))
            )
        return notes

    def _points(self, now: Fraction | None, before: Fraction | None) -> list[Note]:
        if now is None or before is None or not rounded((now - before) * 100, 1):
            return []
        return [Note(linked(_("%(points)s points") % {"points": self.write.points(now - before)}))]

    def _waiting_tile(self) -> Tile:
        waiting = self.board.waiting
        if waiting.oldest is None:
            notes = [Note(linked(""), before=_("nothing waits"))]
        else:
            notes = [Note(linked(since(waiting.oldest, self.board.at)), before=_("the oldest for"))]
        return Tile(_("Waiting for approval"), self.count(waiting.number, Measure.WAITING), notes)

    # The table ---------------------------------------------------------------------------------

    def line(self, agent: Agent) -> Line:
        figures, who = agent.figures, {"staff": str(agent.staff)}
        is_nobody = agent.staff == NOBODY
        law = None
        if figures.law_face:
            law = self.money(figures.law_face, Measure.ISSUED, law="yes", **who)
        difference = agent.difference
        return Line(
            agent=agent,
            name=_("Nobody") if is_nobody else agent.name,
            href="" if is_nobody or self.address.sight.own else self.address.url(**who),
            cases=self.count(figures.cases, Measure.CASES, **who),
            compensated=self.count(figures.compensated, Measure.COMPENSATED, **who),
            share=self.write.share(figures.share_compensated),
            value=self.money(figures.face, Measure.ISSUED, **LAW, **who),
            expected=self.write.about(Fraction(figures.expected)),
            law=law,
            mean=self.write.about(figures.mean),
            peers=self.write.change(difference),
            is_far=difference is not None and abs(difference) >= Fraction(1, 4),
            requested=self.count(figures.requested, Measure.REQUESTED, **who),
            rejected=self._rejected(figures.rejected, **who) if figures.rejected else None,
            voided=self.count(figures.voided, Measure.VOIDED, **who),
            repeat=self.count(agent.repeat, Measure.REPEAT, **who),
            reason=self.reason(agent.reason),
            reason_share=self.write.share(agent.reason_share) if agent.reason else "",
            days=agent.days,
            days_words=self._days_words(agent.days),
            room=self._room(self.board.limits.get(agent.staff)),
        )

    def total_line(self) -> dict[str, SafeString | str]:
        """The foot of the table: every agent of the part, whichever page is shown."""
        figures = self.board.totals
        return {
            "cases": self.count(figures.cases, Measure.CASES),
            "compensated": self.count(figures.compensated, Measure.COMPENSATED),
            "share": self.write.share(figures.share_compensated),
            "value": self.money(figures.face, Measure.ISSUED, **LAW),
            "expected": self.write.about(Fraction(figures.expected)),
            "mean": self.write.about(figures.mean),
            "requested": self.count(figures.requested, Measure.REQUESTED),
            "rejected": self._rejected(figures.rejected),
            "voided": self.count(figures.voided, Measure.VOIDED),
        }

    def _rejected(self, number: int, **who: str) -> SafeString:
        word = npgettext("requests", "rejected", "rejected", number)
        return format_html("{} {}", self.count(number, Measure.REJECTED, **who), word)

    def reason(self, key: int | None) -> str:
        if key is None or key not in self.board.categories:
            return "\u2013"
        return self.board.categories[key].name

    def _days_words(self, days: Sequence[int]) -> str:
        """What the small line of a row shows, in words."""
        if not any(days):
            return _("nothing issued")
        top = max(range(len(days)), key=lambda index: days[index])
        return _("highest on %(day)s: %(value)s") % {
            "day": day_written(self.board.part.start + dt.timedelta(days=top)),
            "value": self.write.money(days[top]),
        }

    def _room(self, use: LimitUse | None) -> Room | None:
        if use is None or use.share is None:
            return None
        percent = min(int(use.share * 100), 100)
        write = self.write.money if use.measure == LimitMeasure.AMOUNT else self.write.count
        window = {
            LimitWindow.DAY: _("today"),
            LimitWindow.WEEK: _("this week"),
            LimitWindow.MONTH: _("this month"),
        }[LimitWindow(use.window)]
        short = str(LimitWindow(use.window).label).lower()
        return Room(
            text=f"{self.write.share(Fraction(percent, 100))} {short}",
            percent=percent,
            tone="critical" if use.share >= FULL else "moderate" if use.share >= NEAR else "",
            words=_("%(used)s of %(cap)s %(window)s, %(left)s left")
            % {
                "used": write(use.used),
                "cap": write(use.cap),
                "window": window,
                "left": write(max(use.cap - use.used, 0)),
            },
        )

    # Charts ------------------------------------------------------------------------------------

    def by_day(self) -> Columns:
        """Goodwill face value by day (or week, or month) and kind, the largest kinds first."""
        by_kind: dict[str, int] = defaultdict(int)
        for (_date, kind), (_number, face) in self.board.issuance.days.items():
            by_kind[kind] += face
        ranked = sorted(by_kind, key=lambda kind: (-by_kind[kind], kind))
        # The last colour is for all others together, where there is more than one of them.
        alone = ranked if len(ranked) <= MOST_SERIES else ranked[: MOST_SERIES - 1]
        groups = [[kind] for kind in alone]
        if others := ranked[len(alone) :]:
            groups.append(others)
        names = [str(OfferKind(kind).label) for kind in alone] + ([_("Others")] if others else [])
        rows = [self._column(start, end, groups) for start, end in self._columns()]
        return Columns(
            sentence=self._day_sentence(rows),
            heading=_("Day") if self.board.part.days <= MOST_COLUMNS else _("From"),
            series=names,
            rows=rows,
            show=self.write.money,
            looks=[*alone, *(["others"] if others else [])],
        )

    def _columns(self) -> list[tuple[dt.date, dt.date]]:
        """First and last date of each column."""
        part, day = self.board.part, dt.timedelta(days=1)
        last = part.end - day
        dates = [part.start + number * day for number in range(part.days)]
        if part.days <= MOST_COLUMNS:
            return [(date, date) for date in dates]
        if part.days <= MOST_COLUMNS * 7:
            starts = [date for date in dates if date == part.start or date.weekday() == 0]
        else:
            starts = [date for date in dates if date == part.start or date.day == 1]
        return list(zip(starts, [*(date - day for date in starts[1:]), last], strict=True))

    def _column(self, first: dt.date, last: dt.date, groups: Sequence[Sequence[str]]) -> Row:
        days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
        found = self.board.issuance.days
        values = [
            sum(found.get((day, kind), (0, 0))[1] for day in days for kind in kinds)
            for kinds in groups
        ]
        within = {"period": OWN_DATES, "from": first.isoformat(), "to": last.isoformat()}
        links = [
            self.address.behind(Measure.ISSUED, kind=",".join(kinds), **within, **LAW)
            for kinds in groups
        ]
        return Row(day_written(first), values, links=links)

    def _day_sentence(self, rows: Sequence[Row]) -> str:
        tops = [(sum(row.values), row.label) for row in rows]
        total = sum(value for value, _label in tops)
        if not total:
            return _("Nothing was issued in these days.")
        top, label = max(tops, key=lambda pair: pair[0])
        return _("%(total)s in goodwill; the most on %(day)s: %(value)s.") % {
            "total": self.write.money(total),
            "day": label,
            "value": self.write.money(top),
        }

    def reasons(self) -> Bars:
        """Compensations by reason, the most frequent first, until the rest is one bar."""
        chosen = self.board.part.categories is not None
        numbers: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for key, (number, face) in self.board.issuance.reasons.items():
            category = self.board.categories[key]
            group = key if chosen else category.parent_id or key
            numbers[group][0] += number
            numbers[group][1] += face
        ranked = sorted(numbers.items(), key=lambda pair: (-pair[1][0], pair[0]))
        total = sum(number for _key, (number, _face) in ranked)
        bars = []
        for key, (number, face) in ranked[:REASONS]:
            behind = {"category": str(key), **LAW}
            # Within a chosen reason, its own id stands for the sub-reasons as well.
            linked = not (chosen and any(row.parent_id == key for row in self._known()))
            bars.append(
                Bar(
                    self.reason(key),
                    number,
                    self.write.count(number),
                    self.address.behind(Measure.ISSUED, **behind) if linked else "",
                    [
                        (self.write.share(ratio(number, total)), ""),
                        (
                            self.write.money(face),
                            self.address.behind(Measure.ISSUED, **behind) if linked else "",
                        ),
                    ],
                )
            )
        return Bars(
            sentence=self._reason_sentence([number for _key, (number, _face) in ranked]),
            headings=[_("Reason"), _("Compensations"), _("Share"), _("Value")],
            bars=bars,
        )

    def _known(self) -> list[Category]:
        return [self.board.categories[key] for key in self.board.issuance.reasons]

    def _reason_sentence(self, numbers: Sequence[int]) -> str:
        """How few reasons make four fifths of the compensations."""
        total = sum(numbers)
        if not total:
            return _("Nothing was issued in these days.")
        levels = list(accumulate(numbers))
        place = next(index for index, level in enumerate(levels, 1) if 5 * level >= 4 * total)
        level = levels[place - 1]
        return ngettext(
            "One reason makes up %(share)s of goodwill compensations.",
            "%(place)s reasons make up %(share)s of goodwill compensations.",
            place,
        ) % {"share": self.write.share(Fraction(level, total)), "place": self.write.count(place)}

    def left(self) -> Bars:
        """What is still valid by days left."""
        bars = [self._band(band, "left") for band in self.board.left]
        soon = self.board.left[0]
        sentence = ngettext(
            "%(count)s coupon, worth %(value)s, ends within a week.",
            "%(count)s coupons, worth %(value)s, end within a week.",
            soon.number,
        ) % {"count": self.write.count(soon.number), "value": self.write.money(soon.minor)}
        return Bars(sentence, [_("Days left"), _("Value"), _("Coupons")], bars)

    def age(self) -> Bars:
        """The same by days since issue."""
        bars = [self._band(band, "age") for band in self.board.age]
        number = sum(band.number for band in self.board.age)
        minor = sum(band.minor for band in self.board.age)
        sentence = ngettext(
            "%(count)s coupon is valid and not redeemed, worth %(value)s.",
            "%(count)s coupons are valid and not redeemed, worth %(value)s.",
            number,
        ) % {"count": self.write.count(number), "value": self.write.money(minor)}
        return Bars(sentence, [_("Days since issue"), _("Value"), _("Coupons")], bars)

    def _band(self, band: Band, name: str) -> Bar:
        if band.high is None:
            label = _("more than %(days)s") % {"days": band.low - 1}
        else:
            label = _("%(low)s to %(high)s") % {"low": band.low, "high": band.high}
        href = self.address.behind(Measure.VALID, **{name: str(band.index)}) if band.number else ""
        return Bar(
            label,
            band.minor,
            self.write.money(band.minor),
            href,
            [(self.write.count(band.number), href)],
        )

    def pairs(self) -> list[dict[str, object]]:
        """Agents and customers who met most often, with the list of what was given."""
        names = {agent.staff: agent.name for agent in self.board.agents}
        found = []
        for pair in self.board.given.pairs:
            behind = {"staff": str(pair.staff), "customer": str(pair.customer)}
            found.append(
                {
                    "agent": names.get(pair.staff, ""),
                    "customer": pair.customer_name,
                    "number": self.count(pair.number, Measure.REPEAT, **behind),
                    "value": self.money(pair.minor, Measure.REPEAT, **behind),
                    "last": pair.last,
                    "bar": pair.number,
                }
            )
        return found


def day_written(date: dt.date, *, year: bool = False) -> str:
    """`Nov 21` or `Nov 21, 2026`, as English dates are elsewhere; `21 nov` in Spanish.

    Django's `M` has a capital in every language, its `b` in none.
    """
    if (get_language() or "").startswith("es"):
        return date_format(date, "j b Y" if year else "j b")
    return date_format(date, "SHORT_DATE_FORMAT" if year else "MONTH_DAY_FORMAT")


def days_written(first: dt.date, last: dt.date, today: dt.date | None = None) -> str:
    """`Nov 1 to Nov 21, 2026`; without the year where it is that of `today`."""
    year = today is None or not first.year == last.year == today.year
    if first == last:
        return day_written(first, year=year)
    return _("%(first)s to %(last)s") % {
        "first": day_written(first, year=year and first.year != last.year),
        "last": day_written(last, year=year),
    }
