"""The audit trail as an auditor reads it: the rows of their markets, and one object's whole life.

Rows name their market by its code. Those without one are about people and keys of no market; who
audits every market reads them too.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ApiClient, Market, Staff
from accounts.permissions import visible_markets
from accounts.states import Role
from audit.models import AuditEvent
from audit.states import PRODUCT, ActorKind
from common.errors import NotFound
from common.money import format_money
from common.windows import zone_label
from compensations.limits import PERSONAL, limit_of
from compensations.models import Approval, Compensation, IssuanceLimit, LimitUse
from compensations.states import LapseReason, LimitScope, LimitWindow, Measure
from delivery.models import Message
from incidents.models import Incident

from .. import trail_words
from .trail_names import Names, names_of

PAGE = 50
NEWEST_FIRST = ("-at", "-pk")
# One object's life is shown whole; one with more rows shows the newest of them.
LIFE = 500
# People of one name; more than this many are not told apart by a name.
_NAMESAKES = 50
_CHUNK = 500
# Kinds whose ids are short numbers: their rows are found by kind and id together.
_NUMBERED = frozenset(
    {"market", "location", "team", "limit", "scale", "playbook", "report", "audit", "journal"}
)


@dataclass(frozen=True, slots=True)
class Markets:
    """Whose rows an auditor reads, with how each market writes its amounts."""

    by_code: dict[str, Market]
    unfiled: bool

    @property
    def codes(self) -> list[str]:
        return [*self.by_code, *([""] if self.unfiled else [])]


def audited_markets(staff: Staff) -> Markets:
    """The markets a person audits now."""
    own = {market.code: market for market in visible_markets(staff, Role.AUDITOR)}
    every = Market.objects.filter(is_active=True).exclude(code__in=own).exists()
    return Markets(own, unfiled=bool(own) and not every)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. Days are local to `zone`, the last one is included."""

    act: str = ""
    person: str = ""
    thing: str = ""
    market: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def filtered(self) -> bool:
        return any((self.act, self.person, self.thing, self.market, self.since, self.until))


def rows_of(markets: Markets) -> QuerySet[AuditEvent]:
    """Every row that an auditor of these markets reads."""
    return AuditEvent.objects.filter(market_code__in=markets.codes)


def asked_rows(markets: Markets, asked: Asked) -> QuerySet[AuditEvent]:
    """The rows that fit, in no order yet. What names nothing of these markets fits nothing."""
    rows = rows_of(markets)
    if asked.market:
        rows = rows.filter(market_code=asked.market)
    if asked.act:
        rows = rows.filter(act=asked.act)
    if asked.person:
        rows = rows.filter(_actors(markets, asked.person))
    if asked.thing:
        rows = rows.filter(_things(markets, asked.thing))
    if asked.since is not None:
        rows = rows.filter(at__gte=_midnight(asked.since, asked.zone))
    if asked.until is not None:
        rows = rows.filter(at__lt=_midnight(asked.until + dt.timedelta(days=1), asked.zone))
    return rows


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=zone)


def _actors(markets: Markets, text: str) -> Q:
    """Rows of whoever goes by that name: a person, an API client, or the product itself."""
    if text.casefold() in {"recovery", ActorKind.SYSTEM.value}:
        return Q(actor_kind=ActorKind.SYSTEM)
    own = markets.by_code.values()
    people = (
        Staff.objects.filter(role_grants__market__in=own)
        .filter(Q(name__icontains=text) | Q(username__iexact=text))
        .values_list("pk", flat=True)
        .distinct()[:_NAMESAKES]
    )
    clients = ApiClient.objects.filter(market__in=own, name__icontains=text)
    found = [*people, *clients.values_list("pk", flat=True)[:_NAMESAKES]]
    return Q(actor_id__in=[str(key) for key in found])


def _things(markets: Markets, text: str) -> Q:
    """Rows of a case by its folio, of an object by its id, or the one row of that number."""
    bare = text.removeprefix("#")
    if bare.isascii() and bare.isdecimal() and len(bare) < 19:
        return Q(pk=int(bare))
    try:
        key = str(uuid.UUID(text))
    except ValueError:
        case = Incident.objects.filter(
            folio__iexact=text, market__in=markets.by_code.values()
        ).first()
        if case is None:
            return Q(pk__in=[])
        return _life_of_case(case)
    return Q(object_id=key) | Q(about_id=key)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a page, the newest first, and the keys of its neighbours; None for no such page."""

    rows: list[AuditEvent]
    newer: int | None
    older: int | None


def page_of(
    rows: QuerySet[AuditEvent], *, before: int | None = None, after: int | None = None
) -> Page:
    """The page before or after the row of that number; the newest one for neither.

    By moment and number: one index gives the order and finds a period in it, however old.
    """
    if after is not None and (moment := _moment_of(after)) is not None:
        rows = rows.filter(at__gte=moment).filter(Q(at__gt=moment) | Q(pk__gt=after))
        found = list(rows.order_by("at", "pk")[: PAGE + 1])
        more, shown = len(found) > PAGE, found[:PAGE][::-1]
        return Page(shown, shown[0].pk if more and shown else None, _last(shown))
    if before is not None and (moment := _moment_of(before)) is not None:
        rows = rows.filter(at__lte=moment).filter(Q(at__lt=moment) | Q(pk__lt=before))
    else:
        before = None
    found = list(rows.order_by(*NEWEST_FIRST)[: PAGE + 1])
    shown = found[:PAGE]
    newer = shown[0].pk if before is not None and shown else None
    return Page(shown, newer, _last(shown) if len(found) > PAGE else None)


def _moment_of(row: int) -> dt.datetime | None:
    return AuditEvent.objects.filter(pk=row).values_list("at", flat=True).first()


def _last(rows: Sequence[AuditEvent]) -> int | None:
    return rows[-1].pk if rows else None


@dataclass(frozen=True, slots=True)
class Line:
    """One row in words, with the clock of its market. Addresses are empty where nothing follows."""

    event: AuditEvent | None
    at: dt.datetime
    zone: dt.tzinfo
    who: str
    role: str
    text: str
    reason: str = ""
    market: str = ""
    folio: str = ""
    case_url: str = ""
    life_url: str = ""
    details: Sequence[tuple[str, str, str]] = ()

    @property
    def zone_label(self) -> str:
        return zone_label(self.at, self.zone)


def lines_of(events: Iterable[AuditEvent], markets: Markets, home: Market) -> Iterator[Line]:
    """The rows in words, in their order; names are read for some hundred rows at once.

    `home` stands in for the market of rows without one, whose clock is UTC.
    """
    rest = iter(events)
    while chunk := list(islice(rest, _CHUNK)):
        names = names_of(chunk)
        for event in chunk:
            yield _line(event, markets.by_code.get(event.market_code, home), names)


def _line(event: AuditEvent, market: Market, names: Names) -> Line:
    folio = names.folio(event)
    told = trail_words.Told(
        event, market, name=names.name(event), case=folio, offer=names.offer(event)
    )
    return Line(
        event=event,
        at=event.at,
        zone=ZoneInfo(market.time_zone) if event.market_code else dt.UTC,
        who=who_of(event),
        role=str(Role(event.role).label) if event.role in Role.values else event.role,
        text=trail_words.sentence(event, told),
        reason=_reason(event),
        market=event.market_code,
        folio=folio,
        case_url=reverse("incident", args=[folio]) if folio else "",
        life_url=_life_url(event),
        details=trail_words.details(event, market),
    )


def _life_url(event: AuditEvent) -> str:
    # An export names a report by its words, which no other row is about.
    if event.object_kind in {"audit", "journal"} or event.act == "report.exported":
        return ""
    return reverse("audit-life", args=[event.object_kind, event.object_id])


def _reason(event: AuditEvent) -> str:
    """The words that were given, or what a code of a request's end means."""
    if event.act.endswith(".lapsed") and event.reason in LapseReason.values:
        return str(LapseReason(event.reason).label)
    return event.reason


def who_of(event: AuditEvent) -> str:
    """Who acted, as it was recorded."""
    if event.actor_kind == ActorKind.SYSTEM:
        return PRODUCT
    if event.actor_kind == ActorKind.CUSTOMER:
        return event.actor_name or _("The customer")
    return event.actor_name


# --- One object's whole life


@dataclass(frozen=True, slots=True)
class Life:
    """Everything recorded about one thing, the oldest first. `cut` says that the oldest are not."""

    kind: str
    title: str
    lines: list[Line]
    cut: bool
    case_url: str = ""
    folio: str = ""


def life_of(kind: str, key: str, markets: Markets, home: Market) -> Life:
    """One thing's rows and those of what belongs to it, with the limits that it used.

    Raises NotFound where these markets have no row about it.
    """
    rows = rows_of(markets)
    own = rows.filter(object_kind=kind, object_id=key)
    if not own.exists():
        raise NotFound
    found = list(rows.filter(_life(kind, key)).order_by("-pk")[: LIFE + 1])
    cut = len(found) > LIFE
    events = found[:LIFE][::-1]
    lines = list(lines_of(events, markets, home))
    lines += _limit_lines(kind, key, markets)
    # The sort is stable: what happened in one moment stays in the order of its rows.
    lines.sort(key=lambda line: line.at)
    first = next(line for line in lines if line.event and line.event.object_kind == kind)
    assert first.event is not None
    named = names_of([first.event])
    name = named.name(first.event) or named.folio(first.event) or key
    return Life(
        kind=trail_words.kind_name(kind),
        title=name,
        lines=lines,
        cut=cut,
        case_url=first.case_url,
        folio=first.folio,
    )


def _life(kind: str, key: str) -> Q:
    if kind in _NUMBERED:
        return Q(object_kind=kind, object_id=key)
    if kind == "incident":
        case = Incident.objects.filter(pk=key).first()
        if case is not None:
            return _life_of_case(case)
    if kind == "compensation":
        return _about([key, *_belongings([uuid.UUID(key)])])
    return _about([key])


def _life_of_case(case: Incident) -> Q:
    given = list(Compensation.objects.filter(incident=case).values_list("pk", flat=True))
    return _about([str(case.pk), *map(str, given), *_belongings([case.pk, *given])])


def _belongings(keys: Sequence[uuid.UUID]) -> list[str]:
    """Messages and requests of these cases and compensations, whose own rows may stand alone."""
    messages = Message.objects.filter(about__in=keys).values_list("pk", flat=True)
    requests = Approval.objects.filter(compensation__in=keys).values_list("pk", flat=True)
    return [str(key) for key in (*messages, *requests)]


def _about(keys: Sequence[str]) -> Q:
    return Q(object_id__in=keys) | Q(about_id__in=keys)


def _limit_lines(kind: str, key: str, markets: Markets) -> Iterator[Line]:
    """What a grant took from its limits and when that was given back: figures, not audit rows."""
    if kind not in {"incident", "compensation"}:
        return
    of = {"compensation": key} if kind == "compensation" else {"compensation__incident": key}
    found = (
        LimitUse.objects.filter(**of, compensation__market__in=markets.by_code.values())
        .select_related("compensation__market", "compensation__offer")
        .order_by("pk")[:LIFE]
    )
    for use in found:
        one = use.compensation
        # A request takes as it is asked for; whoever decides, of their own, as it is issued.
        personal = limit_of(use.limits[0]).scope in PERSONAL
        at = max(one.created_at, one.issued_at or one.created_at) if personal else one.created_at
        words = ngettext(
            "%(offer)s took room from %(count)s limit",
            "%(offer)s took room from %(count)s limits",
            len(use.limits),
        )
        yield _limit_line(at, words, use)
        if use.released_at is not None:
            words = ngettext(
                "%(offer)s gave room back to %(count)s limit",
                "%(offer)s gave room back to %(count)s limits",
                len(use.limits),
            )
            yield _limit_line(use.released_at, words, use)


def _limit_line(at: dt.datetime, words: str, use: LimitUse) -> Line:
    one = use.compensation
    details = []
    for limit_id, quantity in zip(use.limits, use.quantities, strict=True):
        limit = limit_of(limit_id)
        name = f"{LimitScope(limit.scope).label}, {LimitWindow(limit.window).label}"
        details.append((name, "", _quantity(limit, quantity, one)))
    return Line(
        event=None,
        at=at,
        zone=ZoneInfo(one.market.time_zone),
        who=PRODUCT,
        role="",
        text=words % {"offer": one.offer.name, "count": len(use.limits)},
        market=one.market.code,
        details=details,
    )


def _quantity(limit: IssuanceLimit, quantity: int, one: Compensation) -> str:
    if limit.measure == Measure.COUNT:
        return str(quantity)
    return format_money(quantity, one.currency, one.market.locale)
