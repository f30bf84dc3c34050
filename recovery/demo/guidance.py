"""Categories, severity guides, playbooks and who has read them."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass

from incidents.models import (
    Category,
    Playbook,
    PlaybookAcknowledgement,
    PlaybookStep,
    SeverityGuide,
)
from incidents.states import Severity, Step

from . import content
from .company import DemoMarket
from .content import Pair, SubReason, TopReason
from .trail import Trail

# Days before now at which the plain first playbooks and those by reason came out.
FIRST_DAYS, SECOND_DAYS = 110, 40


@dataclass(frozen=True, slots=True)
class Topic:
    """A sub-reason with its rows."""

    top: TopReason
    sub: SubReason
    parent: Category
    category: Category


def categories(market: DemoMarket) -> list[Topic]:
    """Inserts both levels with their guides; returns the sub-reasons, in their order."""
    reasons = content.reasons(market.words.content)
    tops = Category.objects.bulk_create(
        Category(
            market=market.row,
            code=top.code,
            name_es=top.name.es,
            name_en=top.name.en,
            suggested_severity=Severity.MODERATE,
            position=position * 10,
        )
        for position, top in enumerate(reasons, 1)
    )
    subs = Category.objects.bulk_create(
        Category(
            market=market.row,
            parent=parent,
            code=sub.code,
            name_es=sub.name.es,
            name_en=sub.name.en,
            suggested_severity=sub.severity,
            position=position,
        )
        for top, parent in zip(reasons, tops, strict=True)
        for position, sub in enumerate(top.subs, 1)
    )
    rows = iter(subs)
    topics = [
        Topic(top, sub, parent, next(rows))
        for top, parent in zip(reasons, tops, strict=True)
        for sub in top.subs
    ]
    SeverityGuide.objects.bulk_create(
        [
            _guide(parent, severity, top.guides[severity], top.subs[0].guides[severity])
            for top, parent in zip(reasons, tops, strict=True)
            for severity in Severity.values
        ]
        + [
            _guide(
                topic.category,
                severity,
                topic.top.guides[severity],
                topic.sub.guides[severity],
            )
            for topic in topics
            for severity in Severity.values
        ]
    )
    return topics


def _guide(category: Category, severity: str, criteria: Pair, example: Pair) -> SeverityGuide:
    return SeverityGuide(
        category=category,
        severity=severity,
        criteria_es=criteria.es,
        criteria_en=criteria.en,
        example_es=example.es,
        example_en=example.en,
    )


def playbooks(
    market: DemoMarket,
    topics: list[Topic],
    *,
    now: dt.datetime,
    rng: random.Random,
    trail: Trail,
) -> None:
    """Inserts every playbook and its steps, and who of the agents has read which.

    Each reason began with the general words of its severity; the words of the reason itself came
    later as a second version.
    """
    parents = {topic.top.code: topic.parent for topic in topics}
    first = now - dt.timedelta(days=FIRST_DAYS)
    second = now - dt.timedelta(days=SECOND_DAYS)
    made: list[tuple[Playbook, str]] = []
    for severity in Severity.values:
        made.append((_playbook(market, None, severity, 1, first), "general"))
        for code, parent in parents.items():
            if severity == Severity.MINOR:
                made.append((_playbook(market, parent, severity, 1, first), code))
                continue
            made.append((_playbook(market, parent, severity, 1, first), "general"))
            made.append((_playbook(market, parent, severity, 2, second), code))
    Playbook.objects.bulk_create([playbook for playbook, _code in made])
    words = content.playbooks(market.words.content)
    PlaybookStep.objects.bulk_create(
        step
        for playbook, code in made
        for step in _steps(playbook, words.severity[playbook.severity], words.reasons[code])
    )
    _readers(market, [playbook for playbook, _code in made], rng=rng, now=now, trail=trail)


def _playbook(
    market: DemoMarket, category: Category | None, severity: str, version: int, at: dt.datetime
) -> Playbook:
    return Playbook(
        market=market.row,
        category=category,
        severity=severity,
        version=version,
        published_at=at,
    )


def _steps(
    playbook: Playbook, of_severity: Mapping[str, Pair], of_reason: Mapping[str, Pair]
) -> list[PlaybookStep]:
    """The five steps: what the severity asks for joined with what the reason asks for."""
    nothing = Pair("", "")
    words = {**of_severity, **{f"reason_{use}": pair for use, pair in of_reason.items()}}
    layout = {
        Step.LISTEN: ("listen_say", "", "reason_listen_ask", "reason_listen_avoid"),
        Step.APOLOGISE: (
            "reason_apologise_say",
            "apologise_say",
            "apologise_ask",
            "apologise_avoid",
        ),
        Step.EXPLAIN: ("reason_explain_say", "", "explain_ask", "explain_avoid"),
        Step.COMPENSATE: ("compensate_say", "", "compensate_ask", "compensate_avoid"),
        Step.CORRECT: ("reason_correct_say", "correct_say", "correct_ask", "correct_avoid"),
    }
    rows = []
    for step, (first, second, ask, avoid) in layout.items():
        say = Pair(
            *(
                " ".join(text for text in parts if text)
                for parts in zip(words[first], words.get(second, nothing), strict=True)
            )
        )
        rows.append(
            PlaybookStep(
                playbook=playbook,
                step=step,
                say_es=say.es,
                say_en=say.en,
                ask_es=words[ask].es,
                ask_en=words[ask].en,
                avoid_es=words[avoid].es,
                avoid_en=words[avoid].en,
            )
        )
    return rows


def _readers(
    market: DemoMarket,
    found: list[Playbook],
    *,
    rng: random.Random,
    now: dt.datetime,
    trail: Trail,
) -> None:
    rows = []
    for playbook in found:
        for person in market.agents:
            if rng.random() > 0.7:
                continue
            at = min(
                playbook.published_at + dt.timedelta(minutes=rng.randint(60, 20_000)),
                now - dt.timedelta(minutes=rng.randint(5, 600)),
            )
            rows.append(PlaybookAcknowledgement(playbook=playbook, staff=person.staff, at=at))
            trail.add(
                at,
                "playbook.read",
                person.actor,
                "playbook",
                playbook.pk,
                market=market.code,
                after={"version": playbook.version},
            )
    PlaybookAcknowledgement.objects.bulk_create(rows)
