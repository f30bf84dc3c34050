"""Each market's scale: a first version, retired, and the second, live, with ranges that touch.

Two more wait: a third in review, for somebody else of finance to decide, and a draft. Rows go the
way of every scale: rules and offers while it is a draft, then review, approval by another person,
publication. The database holds it to that.
"""

import datetime as dt
from collections.abc import Iterator, Mapping

from accounts.states import Role
from compensations.models import Offer, ScaleRule, ScaleVersion
from compensations.states import Basis, ScaleState
from incidents.models import Category
from incidents.states import Segment

from . import content
from .company import DemoMarket
from .content import CellWords, OfferWords, ScaleWords
from .guidance import Topic
from .trail import Trail

# Days before now at which the first version and the one that is live came into force.
FIRST_DAYS, LIVE_DAYS = 120, 38
HUNDREDTHS = 100
# The first version gave four fifths of what the live one gives; VIP guests get half as much again.
FIRST_SHARE, VIP_SHARE = (4, 5), (3, 2)


def _scaled(whole: int, share: tuple[int, int], step: int) -> int:
    """A share of an amount, down to a multiple of `step`; never nothing where there was some."""
    top, bottom = share
    if top == bottom:
        return whole
    return max(whole * top // bottom // step * step, min(whole, step))


def _offer(
    rule: ScaleRule,
    words: OfferWords,
    severity: str,
    position: int,
    share: tuple[int, int],
    step: int,
) -> Offer:
    low, middle, high = words.ranges[severity]
    if not words.is_share:
        low, middle, high = (_scaled(one, share, step) for one in (low, middle, high))
        low, middle, high = (one * HUNDREDTHS for one in (low, middle, high))
    cap = words.caps.get(severity)
    return Offer(
        rule=rule,
        position=position,
        kind=words.kind,
        name_es=words.name.es,
        name_en=words.name.en,
        terms_es=words.terms.es,
        terms_en=words.terms.en,
        basis=Basis.PERCENT if words.is_share else Basis.FIXED,
        minimum=low,
        default=middle,
        maximum=high,
        cap_minor=_scaled(cap, share, step) * HUNDREDTHS if cap is not None else None,
        expected_cost_bp=words.cost,
        validity_days=words.days,
        usable_at=list(words.at),
        per_customer=words.per[0],
        per_customer_days=words.per[1],
        approval_from_minor=(
            _scaled(words.approval, share, step) * HUNDREDTHS if words.approval else None
        ),
        is_statutory=words.statutory,
    )


Cell = tuple[Category | None, str, str, tuple[str, ...]]


def _cells(words: ScaleWords, rows: Mapping[str, Category], *, is_first: bool) -> Iterator[Cell]:
    """Every rule to be: category, severity, segment and its offers."""
    for reason, severities in words.rules.items():
        for severity, keys in severities.items():
            if is_first:
                keys = tuple(key for key in keys if key not in words.later)
            category = None if reason == "any" else rows[reason]
            yield category, severity, "", keys
            if reason in words.vip and not is_first:
                yield category, severity, Segment.VIP, keys


def _fill(
    version: ScaleVersion,
    words: ScaleWords,
    rows: Mapping[str, Category],
    step: int,
    *,
    is_first: bool,
) -> None:
    cells = list(_cells(words, rows, is_first=is_first))
    rules = ScaleRule.objects.bulk_create(
        ScaleRule(version=version, category=category, severity=severity, segment=segment)
        for category, severity, segment, _keys in cells
    )
    Offer.objects.bulk_create(
        _offer(
            rule,
            words.offers[key],
            rule.severity,
            position,
            FIRST_SHARE if is_first else VIP_SHARE if rule.segment else (1, 1),
            step,
        )
        for rule, (_category, _severity, _segment, keys) in zip(rules, cells, strict=True)
        for position, key in enumerate(keys, 1)
    )


def _go(version: ScaleVersion, **steps: object) -> None:
    """Follows one arrow of the version's life."""
    ScaleVersion.objects.filter(pk=version.pk).update(**steps)


def publish(
    market: DemoMarket, topics: list[Topic], *, now: dt.datetime, trail: Trail
) -> tuple[ScaleVersion, ScaleVersion]:
    """Inserts both versions; returns the retired one and the live one."""
    words = content.scale(market.words.content)
    rows = {topic.top.code: topic.parent for topic in topics}
    rows |= {topic.sub.code: topic.category for topic in topics}
    author, approver = market.finance
    step = 10 if market.row.currency == "MXN" else 500
    starts = (now - dt.timedelta(days=FIRST_DAYS), now - dt.timedelta(days=LIVE_DAYS))
    versions: list[ScaleVersion] = []
    for number, (start, note) in enumerate(zip(starts, words.notes, strict=True), 1):
        written = start - dt.timedelta(days=9)
        submitted, approved = start - dt.timedelta(days=4), start - dt.timedelta(days=1)
        version = ScaleVersion.objects.create(
            market=market.row,
            number=number,
            based_on=versions[-1] if versions else None,
            note=note,
            author=author.staff,
            created_at=written,
        )
        _fill(version, words, rows, step, is_first=number == 1)
        _go(version, state=ScaleState.IN_REVIEW, submitted_at=submitted)
        _go(
            version,
            state=ScaleState.SCHEDULED,
            approved_at=approved,
            approved_by=approver.staff,
            effective_from=start,
        )
        for previous in versions:
            _go(previous, state=ScaleState.RETIRED, effective_until=start)
        _go(version, state=ScaleState.LIVE)
        versions.append(version)
        for at, act, by, before, after in (
            (written, "drafted", author, "", ScaleState.DRAFT),
            (submitted, "submitted", author, ScaleState.DRAFT, ScaleState.IN_REVIEW),
            (approved, "approved", approver, ScaleState.IN_REVIEW, ScaleState.SCHEDULED),
            (start, "published", approver, ScaleState.SCHEDULED, ScaleState.LIVE),
        ):
            trail.add(
                at,
                f"scale.{act}",
                by.staff.as_actor(Role.FINANCE),
                "scale",
                version.pk,
                market=market.code,
                before={"state": str(before)},
                after={"state": str(after), "number": number},
            )
    _propose(market, rows, versions[-1], now=now, trail=trail)
    first, live = versions
    first.refresh_from_db()
    live.refresh_from_db()
    return first, live


def _propose(
    market: DemoMarket,
    rows: Mapping[str, Category],
    live: ScaleVersion,
    *,
    now: dt.datetime,
    trail: Trail,
) -> None:
    """What waits: a version in review, and a draft after it, both of the same author."""
    words = content.scale(market.words.content)
    author = market.finance[0]
    step = 10 if market.row.currency == "MXN" else 500
    for number, proposal in enumerate(words.proposals, live.number + 1):
        written = now - dt.timedelta(days=6 if number == live.number + 1 else 2, hours=3)
        version = ScaleVersion.objects.create(
            market=market.row,
            number=number,
            based_on=live,
            note=proposal.note,
            author=author.staff,
            created_at=written,
            revision=len(proposal.cells),
        )
        _fill(version, words, rows, step, is_first=False)
        for cell in proposal.cells:
            _change(version, cell, words, rows, step)
        actor = author.staff.as_actor(Role.FINANCE)
        drafted = {"state": ScaleState.DRAFT.value, "number": number, "based_on": live.number}
        trail.add(
            written,
            "scale.drafted",
            actor,
            "scale",
            version.pk,
            market=market.code,
            before={"state": ""},
            after=drafted,
        )
        if number == live.number + 1:
            submitted = now - dt.timedelta(hours=20)
            _go(version, state=ScaleState.IN_REVIEW, submitted_at=submitted)
            trail.add(
                submitted,
                "scale.submitted",
                actor,
                "scale",
                version.pk,
                market=market.code,
                before={"state": ScaleState.DRAFT.value},
                after={
                    "state": ScaleState.IN_REVIEW.value,
                    "number": number,
                    "revision": version.revision,
                },
                reason=proposal.note,
            )


def _change(
    version: ScaleVersion,
    cell: CellWords,
    words: ScaleWords,
    rows: Mapping[str, Category],
    step: int,
) -> None:
    """Puts other offers into a cell of a draft."""
    place = {
        "version": version,
        "category": None if cell.reason == "any" else rows[cell.reason],
        "severity": cell.severity,
        "segment": cell.segment,
    }
    for rule in ScaleRule.objects.filter(**place):
        rule.offers.all().delete()
        rule.delete()
    rule = ScaleRule.objects.create(**place)
    Offer.objects.bulk_create(
        _offer(rule, words.offers[key], cell.severity, position, (cell.percent, 100), step)
        for position, key in enumerate(cell.offers, 1)
    )
