"""A nightly report as its page and its files show it: names looked up, amounts written, links made.

Names come from a few queries whatever the report holds. What the reader may not see was left out
before (`selectors.reports.part_of`).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Market, Staff, Team
from common.money import format_money
from compensations.models import Compensation
from compensations.states import LedgerEvent, LimitScope, LimitWindow, Measure, OfferKind
from incidents.models import Category, Customer, Incident
from incidents.states import PromiseKind

from ..figures import Writer, ratio
from ..night_words import matters
from ..selectors.night import SETTLED

NOTHING = "\u2013"
# How many reasons a person's line names.
REASONS = 3
# Fewer on either side say nothing about a mean.
FEW = 3
# How many cases or customers a matter names before its list is needed.
ATTENTION = 4
# From so much on, a difference from the peers is marked.
FAR = Fraction(1, 4)
# A window this full, in basis points, is marked.
NEARLY, FULL = 8_000, 10_000


@dataclass(frozen=True, slots=True)
class Room:
    """How full a window was at midnight, in whole percent, in words and with its tone."""

    text: str
    percent: int
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """One person in one team, written out."""

    name: str
    figures: dict[str, Any]
    share: str
    value: str
    expected: str
    kinds: str
    reasons: str
    mean: str
    peers: str
    against: str
    # A quarter or more from the peers' mean.
    is_far: bool
    # Requests, voids and the like, only those that there were.
    also: list[str]
    room: Room | None
    few: bool


class Shown:
    """One reader's part of a report."""

    def __init__(self, part: dict[str, Any], market: Market) -> None:
        self.part = part
        self.market = market
        self.totals = part["totals"]
        self.write = Writer.of(market)

    def money(self, minor: int) -> str:
        return format_money(minor, self.market.currency, self.market.locale)

    # -- names ------------------------------------------------------------------------------

    @cached_property
    def _people(self) -> dict[str, str]:
        part = self.part
        wanted = {person["staff"] for team in part["teams"] for person in team["people"]}
        wanted |= {row[1] for row in part["decisions"]}
        wanted |= {row[1] for team in part["voids"] for row in team["rows"]}
        wanted |= {person for row in part["scales"] for person in row[1:]}
        wanted |= {row[6] for row in part["limits"]} | {row[10] for row in part["limits"]}
        wanted |= {row[11] for row in part["limits"]} | {row[1] for row in part["stops"]}
        rows = Staff.objects.filter(pk__in=[key for key in wanted if key]).values_list("pk", "name")
        return {str(key): name for key, name in rows}

    def person(self, key: str | None) -> str:
        return self._people.get(key or "", "") or _("Nobody")

    @cached_property
    def teams(self) -> dict[int, Team]:
        return {team.pk: team for team in Team.objects.filter(market=self.market)}

    def team_name(self, key: int | None) -> str:
        team = self.teams.get(key) if key is not None else None
        return team.name if team else _("Without a team")

    @cached_property
    def _categories(self) -> dict[int, str]:
        return {row.pk: row.name for row in Category.objects.filter(market=self.market)}

    @cached_property
    def _folios(self) -> dict[str, str]:
        """Case numbers of everything that a list names."""
        part = self.part
        wanted = {row[3] for team in part["voids"] for row in team["rows"]}
        wanted |= {row[2] for name in ("failures", "promises") for row in self._rows(name)}
        rows = Incident.objects.filter(pk__in=wanted).values_list("pk", "folio")
        return {str(key): folio for key, folio in rows}

    def case(self, key: str) -> dict[str, str]:
        folio = self._folios.get(key, "")
        return {"label": folio, "url": reverse("incident", args=[folio]) if folio else ""}

    def _rows(self, name: str) -> Iterable[list[Any]]:
        return (row for team in self.part[name] for row in team["rows"])

    # -- tables -----------------------------------------------------------------------------

    def kinds(self) -> list[dict[str, Any]]:
        """What was granted by kind; what is owed by law apart."""
        return [
            {
                "label": self._kind(kind, statutory),
                "count": self.write.count(count),
                "value": self.write.money(face),
                "expected": self.write.money(expected),
                "row": (self._kind(kind, statutory), count, face, expected),
            }
            for kind, statutory, count, face, expected in self.part["kinds"]
        ]

    def reasons(self) -> list[dict[str, Any]]:
        rows = sorted(self.part["reasons"], key=lambda row: (-row[2], -row[1], row[0]))
        return [
            {
                "label": self._categories.get(category, ""),
                "count": self.write.count(count),
                "value": self.write.money(face),
                "expected": self.write.money(expected),
                "row": (self._categories.get(category, ""), count, face, expected),
            }
            for category, count, face, expected in rows
        ]

    def _kind(self, kind: str, statutory: bool) -> str:
        label = str(OfferKind(kind).label)
        return _("%(kind)s, owed by law") % {"kind": label} if statutory else label

    def lines(self, team: dict[str, Any]) -> list[Line]:
        lines = [self._line(person) for person in team["people"]]
        return sorted(lines, key=lambda line: (-line.figures["issued_face"], line.name))

    def _line(self, person: dict[str, Any]) -> Line:
        kinds = sorted(person["kinds"], key=lambda row: -row[2])
        reasons = sorted(person["reasons"], key=lambda row: (-row[1], -row[2], row[0]))
        mean, peers = person["mean"], person["peer_mean"]
        if person["goodwill"] < FEW or person["peers"] < FEW:
            peers = None
        difference = Fraction(mean, peers) - 1 if mean is not None and peers else None
        return Line(
            name=self.person(person["staff"]),
            figures=person,
            share=self.write.share(ratio(person["compensated"], person["cases"])),
            value=self.write.money(person["issued_face"]),
            expected=self.write.about(Fraction(person["issued_expected"])),
            kinds=", ".join(f"{self._short_kind(row[0], row[1])} {row[2]}" for row in kinds),
            reasons=", ".join(
                f"{self._categories.get(row[0], '')} {row[1]}" for row in reasons[:REASONS]
            ),
            mean=NOTHING if mean is None else self.write.about(Fraction(mean)),
            peers="" if peers is None else self.write.about(Fraction(peers)),
            against=self.write.change(difference),
            is_far=difference is not None and abs(difference) >= FAR,
            also=self._also(person),
            room=self.room(person["limit"]),
            few=person["issued"] + person["cases"] < FEW,
        )

    def _short_kind(self, kind: str, statutory: bool) -> str:
        label = str(OfferKind(kind).label)
        return _("%(kind)s (by law)") % {"kind": label} if statutory else label

    @staticmethod
    def _also(person: dict[str, Any]) -> list[str]:
        """What else happened in a person's name that day."""
        count = person["requested"]
        said = [(count, ngettext("%(count)s request", "%(count)s requests", count))]
        count = person["rejected"]
        rejected = ngettext("%(count)s request rejected", "%(count)s requests rejected", count)
        said.append((count, rejected))
        count = person["voided"]
        said.append((count, ngettext("%(count)s void", "%(count)s voids", count)))
        count = person["reissued"]
        said.append((count, ngettext("%(count)s reissue", "%(count)s reissues", count)))
        count = person["redeemed"]
        said.append((count, ngettext("%(count)s redemption", "%(count)s redemptions", count)))
        return [text % {"count": count} for count, text in said if count]

    def room(self, limit: list[Any] | None) -> Room | None:
        """How full the tightest window was at midnight; None where there is no limit."""
        if limit is None:
            return None
        _id, window, measure, _used, cap, share = limit
        text = _("%(share)s %% of %(cap)s (%(window)s)") % {
            "share": share // 100,
            "cap": self.write.money(cap) if measure == Measure.AMOUNT else self.write.count(cap),
            "window": str(LimitWindow(window).label).lower(),
        }
        tone = "critical" if share >= FULL else "moderate" if share >= NEARLY else ""
        return Room(text, min(share // 100, 100), tone)

    def team_sentence(self, team: dict[str, Any]) -> str:
        people = team["people"]
        cases = sum(person["cases"] for person in people)
        count = sum(person["issued"] for person in people)
        return _("%(cases)s, %(compensations)s for %(value)s, expected to cost %(cost)s.") % {
            "cases": ngettext("%(count)s case", "%(count)s cases", cases)
            % {"count": self.write.count(cases)},
            "compensations": ngettext("%(count)s compensation", "%(count)s compensations", count)
            % {"count": self.write.count(count)},
            "value": self.write.money(sum(person["issued_face"] for person in people)),
            "cost": self.write.about(Fraction(sum(person["issued_expected"] for person in people))),
        }

    def decisions(self) -> list[dict[str, Any]]:
        return [
            {
                "person": self.person(by),
                "team": self.team_name(team),
                "approved": approved,
                "value": self.money(value),
                "rejected": rejected,
            }
            for team, by, approved, value, rejected in self.part["decisions"]
        ]

    def voids(self) -> list[dict[str, Any]]:
        rows = list(self._rows("voids"))
        keys = [row[2] for row in rows]
        reasons = {
            str(key): reason
            for key, reason in Compensation.objects.filter(pk__in=keys).values_list(
                "pk", "void_reason"
            )
        }
        return [
            {
                "case": self.case(incident),
                "granted_by": self.person(granted),
                "voided_by": self.person(voided),
                "value": self.money(face),
                "again": again is not None,
                "reason": reasons.get(key, ""),
            }
            for granted, voided, key, incident, face, again in rows
        ]

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        return [
            {
                "case": self.case(incident),
                "person": self.person(staff),
                "what": _("It came back") if bounced else _("Not accepted by midnight"),
            }
            for staff, _message, incident, bounced in self._rows("failures")
        ]

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        rows = list(self._rows("pairs"))
        names = {
            str(key): name
            for key, name in Customer.objects.filter(pk__in=[row[1] for row in rows]).values_list(
                "pk", "name"
            )
        }
        return [
            {
                "person": self.person(staff),
                "customer": names.get(customer, ""),
                "url": reverse("customer", args=[uuid.UUID(customer)]),
                "count": count,
                "value": self.money(value),
            }
            for staff, customer, count, value in rows
        ]

    @cached_property
    def promises(self) -> list[dict[str, Any]]:
        return [
            {
                "case": self.case(incident),
                "person": self.person(owner),
                "what": PromiseKind(kind).label,
            }
            for owner, _promise, incident, kind in self._rows("promises")
        ]

    @cached_property
    def too_little(self) -> list[dict[str, str]]:
        found = []
        for team, staff, why, count, own, others in self.part["too_little"]:
            if why == "share":
                text = ngettext(
                    "%(own)s of %(count)s case had a compensation; in like cases of that day "
                    "peers would have had %(others)s.",
                    "%(own)s of %(count)s cases had a compensation; in like cases of that day "
                    "peers would have had %(others)s.",
                    count,
                ) % {"own": own, "count": count, "others": _tenths(others)}
            else:
                text = ngettext(
                    "%(count)s compensation of %(own)s; peers gave %(others)s for the same mix in "
                    "four weeks.",
                    "%(count)s compensations with a mean of %(own)s; peers gave %(others)s for "
                    "the same mix in four weeks.",
                    count,
                ) % {"count": count, "own": self.money(own), "others": self.money(others)}
            found.append({"person": self.person(staff), "team": self.team_name(team), "text": text})
        return found

    def attention(self) -> list[dict[str, Any]]:
        """What a person should look at, each with its list on the page and the first of it."""
        return [
            {
                "text": text,
                "href": f"#{subject.replace('_', '-')}",
                "links": self._links(subject)[:ATTENTION],
            }
            for subject, text in matters(self.part)
        ]

    def _links(self, subject: str) -> list[dict[str, str]]:
        if subject in {"failures", "promises"}:
            rows = self.failures if subject == "failures" else self.promises
            return [row["case"] for row in rows if row["case"]["url"]]
        if subject == "pairs":
            return [{"label": row["customer"], "url": row["url"]} for row in self.pairs]
        return []

    def changes(self) -> list[str]:
        """What was changed in the rules that day, a sentence each."""
        return [
            *(self._scale(row) for row in self.part["scales"]),
            *(self._limit(row) for row in self.part["limits"]),
            *(self._stop(row) for row in self.part["stops"]),
        ]

    def _scale(self, row: list[Any]) -> str:
        number, author, *approvers = row
        return _(
            "Version %(number)s of the scale went live: by %(author)s, approved by %(by)s."
        ) % {
            "number": number,
            "author": self.person(author),
            "by": ", ".join(self.person(approver) for approver in approvers if approver),
        }

    def _limit(self, row: list[Any]) -> str:
        _key, scope, window, measure, cap, before, staff, team, *_for, proposed, decided, began = (
            row
        )
        name = str(LimitScope(scope).label)
        if scope != LimitScope.GRANT:
            name = f"{name}, {str(LimitWindow(window).label).lower()}"
        whose = self.person(staff) if staff else self.team_name(team) if team else ""
        amount = measure == Measure.AMOUNT
        values = {
            "limit": f"{name} ({whose})" if whose else name,
            "cap": self.money(cap) if amount else cap,
            "before": self.money(before) if amount and before is not None else before,
            "proposed": self.person(proposed),
            "decided": self.person(decided),
        }
        if not began:
            return _("Limit ended: %(limit)s, which was %(cap)s.") % values
        if before is None:
            return (
                _(
                    "New limit: %(limit)s, %(cap)s; proposed by %(proposed)s, confirmed by "
                    "%(decided)s."
                )
                % values
            )
        return (
            _(
                "Limit changed: %(limit)s, from %(before)s to %(cap)s; proposed by %(proposed)s, "
                "confirmed by %(decided)s."
            )
            % values
        )

    def _stop(self, row: list[Any]) -> str:
        act, staff, _at, reason = row
        values = {"by": self.person(staff), "reason": reason}
        if act.endswith("stopped"):
            return _("Compensations were stopped by %(by)s: %(reason)s") % values
        return _("Compensations were resumed by %(by)s: %(reason)s") % values

    def ledger(self) -> list[dict[str, Any]]:
        return [
            {
                "label": self._event(event),
                "currency": currency,
                "report": format_money(said, currency, self.market.locale),
                "ledger": format_money(moved, currency, self.market.locale),
                "difference": format_money(gap, currency, self.market.locale),
                "agrees": gap == 0,
                "row": (self._event(event), currency, said, moved, gap),
            }
            for event, currency, said, moved, gap in self.part["ledger"] or []
        ]

    @staticmethod
    def _event(event: str) -> str:
        return _("Settled without a code") if event == SETTLED else str(LedgerEvent(event).label)


def _tenths(number: int) -> str:
    """`13` gives `1.3`: a count of cases that were only expected."""
    whole, tenth = divmod(number, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)
