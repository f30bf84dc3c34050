"""Reading what people wrote for the demo company in `content/*.toml`, into plain typed values.

A pair is the same text in Spanish and in English. No database here.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent / "content"
SEVERITIES = ("minor", "moderate", "critical")
LANGUAGES = ("es", "en")
ANY = "any"


class Pair(NamedTuple):
    """A text in both languages."""

    es: str
    en: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason or a sub-reason. `guides` are criteria of a reason, examples of a sub-reason."""

    code: str
    name: Pair
    guides: Mapping[str, Pair]


@dataclass(frozen=True, slots=True)
class SubReason(Reason):
    severity: str
    weight: int
    statutory: bool
    # By language, then by severity.
    stories: Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class TopReason(Reason):
    subs: tuple[SubReason, ...]


@dataclass(frozen=True, slots=True)
class OfferWords:
    """An offer as finance wrote it; amounts in whole units of the currency, or basis points."""

    key: str
    kind: str
    name: Pair
    terms: Pair
    ranges: Mapping[str, tuple[int, int, int]]
    is_share: bool
    caps: Mapping[str, int]
    cost: int
    days: int
    per: tuple[int, int]
    at: tuple[str, ...]
    approval: int | None
    statutory: bool


@dataclass(frozen=True, slots=True)
class CellWords:
    """A cell that a version changes: its offers, with this percentage of their amounts."""

    reason: str
    severity: str
    segment: str
    offers: tuple[str, ...]
    percent: int


@dataclass(frozen=True, slots=True)
class ProposalWords:
    """A version that is not live yet, as what it changes of the one that is."""

    note: str
    cells: tuple[CellWords, ...]


@dataclass(frozen=True, slots=True)
class ScaleWords:
    notes: tuple[str, str]
    offers: Mapping[str, OfferWords]
    # By reason or sub-reason code (`any` for every one), then by severity: keys of offers.
    rules: Mapping[str, Mapping[str, tuple[str, ...]]]
    vip: frozenset[str]
    later: frozenset[str]
    # The one in review, then the draft.
    proposals: tuple[ProposalWords, ...]


@dataclass(frozen=True, slots=True)
class PlaybookWords:
    """Words by severity and by reason; `general` stands for every reason."""

    severity: Mapping[str, Mapping[str, Pair]]
    reasons: Mapping[str, Mapping[str, Pair]]


@dataclass(frozen=True, slots=True)
class Voice:
    """What surrounds a story and what staff write."""

    dishes: tuple[Pair, ...]
    streets: tuple[str, ...]
    # By language, then by use, then by reason (or kind of promise); `any` goes with every one.
    lines: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]


@dataclass(frozen=True, slots=True)
class Names:
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]


class StaffLine(NamedTuple):
    """`place` is the team of an agent or the location of a cashier; empty for others."""

    username: str
    name: str
    place: str
    language: str


@dataclass(frozen=True, slots=True)
class MarketWords:
    code: str
    content: str
    name: str
    brand: str
    country: str
    currency: str
    locale: str
    language: str
    time_zone: str
    domain: str
    locations: tuple[tuple[str, str, str], ...]
    teams: tuple[tuple[str, tuple[str, ...]], ...]
    # Month and day, and the name.
    holidays: tuple[tuple[str, str], ...]
    people: Mapping[str, tuple[StaffLine, ...]]


@dataclass(frozen=True, slots=True)
class CompanyWords:
    markets: tuple[MarketWords, ...]
    auditor: StaffLine
    administrators: tuple[StaffLine, StaffLine]


def _read(name: str) -> dict[str, Any]:
    with (FOLDER / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def _pairs(found: Mapping[str, list[str]]) -> dict[str, Pair]:
    return {key: Pair(*value) for key, value in found.items()}


def _guides(found: Mapping[str, Any]) -> dict[str, Pair]:
    return {severity: Pair(*found[severity]) for severity in SEVERITIES}


def _stories(found: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {severity: tuple(found.get(severity, ())) for severity in SEVERITIES}


@cache
def reasons(content: str) -> tuple[TopReason, ...]:
    """The two levels of categories of one kind of business."""
    return tuple(
        TopReason(
            code=top["code"],
            name=Pair(*top["name"]),
            guides=_guides(top),
            subs=tuple(
                SubReason(
                    code=sub["code"],
                    name=Pair(*sub["name"]),
                    guides=_guides(sub),
                    severity=sub["severity"],
                    weight=sub["weight"],
                    statutory=sub.get("statutory", False),
                    stories={language: _stories(sub.get(language, {})) for language in LANGUAGES},
                )
                for sub in top["subs"]
            ),
        )
        for top in _read(f"{content}_categories")["reasons"]
    )


@cache
def playbooks(content: str) -> PlaybookWords:
    found = _read(f"{content}_playbooks")
    return PlaybookWords(
        severity={key: _pairs(words) for key, words in found["severity"].items()},
        reasons={key: _pairs(words) for key, words in found["reasons"].items()},
    )


@cache
def voice(content: str) -> Voice:
    found = _read(f"{content}_voice")
    return Voice(
        dishes=tuple(Pair(*pair) for pair in found["dishes"]),
        streets=tuple(found.get("streets", ())),
        lines={
            language: {use: _by_reason(lines) for use, lines in found[language].items()}
            for language in LANGUAGES
        },
    )


def _by_reason(found: list[str] | Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Lines by what they go with; a plain list goes with anything."""
    if isinstance(found, list):
        return {ANY: tuple(found)}
    return {reason: tuple(lines) for reason, lines in found.items()}


@cache
def names() -> dict[str, Names]:
    """First names and surnames by market code; `EN` for those who write in English."""
    return {
        key: Names(*(tuple(lists[use]) for use in ("women", "men", "surnames")))
        for key, lists in _read("people").items()
    }


def _offer(key: str, found: Mapping[str, Any]) -> OfferWords:
    times, days = found.get("per", (0, 0))
    return OfferWords(
        key=key,
        kind=found["kind"],
        name=Pair(*found["name"]),
        terms=Pair(*found["terms"]),
        ranges={
            severity: (found[severity][0], found[severity][1], found[severity][2])
            for severity in SEVERITIES
            if severity in found
        },
        is_share=found.get("share", False),
        caps=found.get("cap", {}),
        cost=found["cost"],
        days=found["days"],
        per=(times, days),
        at=tuple(found.get("at", ())),
        approval=found.get("approval"),
        statutory=found.get("statutory", False),
    )


@cache
def scale(content: str) -> ScaleWords:
    found = _read(f"{content}_scale")
    return ScaleWords(
        notes=(found["notes"][0], found["notes"][1]),
        offers={key: _offer(key, words) for key, words in found["offers"].items()},
        rules={
            reason: {severity: tuple(keys) for severity, keys in cells.items()}
            for reason, cells in found["rules"].items()
        },
        vip=frozenset(found["vip"]),
        later=frozenset(found["later"]),
        proposals=tuple(
            ProposalWords(
                one["note"],
                tuple(
                    CellWords(reason, severity, segment, tuple(keys), percent)
                    for reason, severity, segment, keys, percent in one["cells"]
                ),
            )
            for one in found["proposals"]
        ),
    )


@cache
def company() -> CompanyWords:
    found = _read("company")
    everywhere = found["everywhere"]
    first, second = (StaffLine(one[0], one[1], "", one[2]) for one in everywhere["administrators"])
    auditor = everywhere["auditor"]
    return CompanyWords(
        markets=tuple(_market(code, words) for code, words in found["markets"].items()),
        auditor=StaffLine(auditor[0], auditor[1], "", auditor[2]),
        administrators=(first, second),
    )


def _market(code: str, found: Mapping[str, Any]) -> MarketWords:
    plain = (
        "content",
        "name",
        "brand",
        "country",
        "currency",
        "locale",
        "language",
        "time_zone",
        "domain",
    )
    return MarketWords(
        code=code,
        **{name: found[name] for name in plain},
        locations=tuple((one[0], one[1], one[2]) for one in found["locations"]),
        teams=tuple((name, tuple(supervisors)) for name, supervisors in found["teams"]),
        holidays=tuple((day, name) for day, name in found["holidays"]),
        people={
            role: tuple(StaffLine(*line) for line in found[role])
            for role in ("agents", "supervisors", "finance", "cashiers")
        },
    )
