"""The dashboard of issuance: a supervisor's, finance's and the auditor's, and each person's own."""

from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Location, Staff
from accounts.workplace import Workplace, workplace_page
from incidents.selectors import categories_for

from ..actions.exporting import record_export
from ..exports import MOST_ROWS, Column, Kind, Table, asked_format, respond
from ..filters import Address, read_address
from ..selectors.board import Board, complete, read_board
from ..selectors.dashboard import Agent
from ..selectors.sight import LOOKERS, OWN, READERS, Sight, seen_teams, sight_of
from ..selectors.slices import NOBODY
from .shown import Shown, day_written, days_written
from .week_shown import by_week_hour

LINES = 25


def address_of(request: HttpRequest, sight: Sight, path: str) -> Address:
    """The address of this request, held to what its reader sees."""
    market = sight.market
    return read_address(
        sight,
        request.GET,
        path=path,
        list_path=reverse("issuance-list"),
        categories=categories_for(market),
        locations=list(Location.objects.filter(market=market, is_active=True).only("id", "name")),
        teams=seen_teams(sight),
    )


@require_safe
@workplace_page(*READERS)
def issuance(request: HttpRequest, here: Workplace) -> HttpResponse:
    """Issuance by agent; the address is the state. An agent is led to their own figures."""
    if not here.holds(*LOOKERS):
        return redirect("issuance-me")
    sight = sight_of(here.staff, here.market)
    if sight.blind:
        return render(request, "reporting/issuance_blind.html", {"market": here.market})
    return _page(request, sight, reverse("issuance"))


@require_safe
@workplace_page(*OWN)
def own_issuance(request: HttpRequest, here: Workplace) -> HttpResponse:
    """A person's own figures: nobody else's name and nobody else's line."""
    return _page(request, sight_of(here.staff, here.market, own=True), reverse("issuance-me"))


def _page(request: HttpRequest, sight: Sight, path: str) -> HttpResponse:
    address = address_of(request, sight, path)
    comparison = address.comparison
    before = address.part.during(comparison.start, comparison.end) if comparison else None
    board = read_board(address.part, before, sort=address.sort)
    if asked_format(request):
        return _file(request, board, address)
    first = (address.page - 1) * LINES
    lines = board.agents[first : first + LINES]
    complete(board, lines)
    shown = Shown(board, address)
    return render(
        request,
        "reporting/issuance.html",
        {
            "address": address,
            "sight": sight,
            "today": board.today,
            "menus": address.menus(),
            "person": _person(board, address),
            "everybody_url": address.url(staff=""),
            "thirty_url": address.url(period="30", **{"from": "", "to": ""}),
            "period_words": _period_words(address, board),
            "fresh": _freshness(board),
            "tiles": shown.tiles(),
            "lines": [shown.line(agent) for agent in lines],
            "total": shown.total_line(),
            "heads": _heads(address),
            "agents_total": len(board.agents),
            "range_text": _range(first, len(lines), len(board.agents)),
            "previous_url": address.url(page=str(address.page - 1)) if address.page > 1 else "",
            "next_url": (
                address.url(page=str(address.page + 1)) if first + LINES < len(board.agents) else ""
            ),
            "by_day": shown.by_day(),
            "reasons": shown.reasons(),
            "by_week_hour": by_week_hour(board, address),
            "left": shown.left(),
            "age": shown.age(),
            "pairs": shown.pairs(),
            "xlsx_url": address.url(export="xlsx"),
            "csv_url": address.url(export="csv"),
        },
    )


def _period_words(address: Address, board: Board) -> str:
    period, against = address.period, address.comparison
    words = days_written(period.start, period.last, board.today)
    if against is None:
        return words
    return _("%(period)s, against %(other)s") % {
        "period": words,
        "other": days_written(against.start, against.last, board.today),
    }


def _range(first: int, shown: int, total: int) -> str:
    if shown == total:
        return ""
    return _("%(first)s to %(last)s of %(total)s agents") % {
        "first": first + 1,
        "last": first + shown,
        "total": total,
    }


def _person(board: Board, address: Address) -> str:
    """Who the page is narrowed to; nothing for somebody of whom nothing is seen here."""
    wanted = address.part.staff
    if wanted is None:
        return ""
    if wanted == NOBODY:
        return _("Nobody")
    for agent in board.agents:
        if agent.staff == wanted:
            return agent.name
    return _("Somebody else")


def _freshness(board: Board) -> str:
    """How old the figures are: today is counted now, the days before come from rollups."""
    at = date_format(board.at.astimezone(ZoneInfo(board.part.market.time_zone)), "H:i")
    if board.rolled_until is None:
        return _("To date at %(time)s.") % {"time": at}
    return _("To date at %(time)s; days up to %(day)s from the nightly rollups.") % {
        "time": at,
        "day": day_written(board.rolled_until),
    }


def _heads(address: Address) -> list[dict[str, Any]]:
    """The columns with the address that sorts by each; the share stands under the cases."""
    columns = [
        ("name", _("Agent")),
        ("cases", _("Cases")),
        ("value", _("Value")),
        ("mean", _("Mean")),
        ("peers", _("Against peers")),
        ("requests", _("Requests")),
        ("voids", _("Voids")),
        ("repeat", _("Repeat customers")),
        ("", _("Main reason")),
        ("", _("By day")),
        ("limit", _("Own limit now")),
    ]
    heads = [_head(address, name, label) for name, label in columns]
    heads[1]["under"] = share = _head(address, "share", _("Compensated"))
    heads[1]["sort"] = heads[1]["sort"] or share["sort"]
    return heads


def _head(address: Address, name: str, label: str) -> dict[str, Any]:
    sort = address.sort_state(name) if name else ""
    return {
        "label": label,
        "url": address.sorted_by(name) if name else "",
        "sort": sort,
        "arrow": {"ascending": " \u2191", "descending": " \u2193"}.get(sort, ""),
        "class": "" if name in {"name", ""} else "num",
    }


# The file ------------------------------------------------------------------------------------


def _columns() -> list[Column]:
    return [
        Column(_("Agent")),
        Column(_("Team")),
        Column(_("Cases"), Kind.COUNT),
        Column(_("Cases compensated"), Kind.COUNT),
        Column(_("Share compensated"), Kind.SHARE),
        Column(_("Compensations, goodwill"), Kind.COUNT),
        Column(_("Face value, goodwill"), Kind.MONEY),
        Column(_("Expected cost, goodwill"), Kind.MONEY),
        Column(_("Mean, goodwill"), Kind.MONEY),
        Column(_("Against peers"), Kind.SHARE),
        Column(_("Compensations, by law"), Kind.COUNT),
        Column(_("Face value, by law"), Kind.MONEY),
        Column(_("Requests"), Kind.COUNT),
        Column(_("Rejected"), Kind.COUNT),
        Column(_("Voids"), Kind.COUNT),
        Column(_("Value voided"), Kind.MONEY),
        Column(_("Repeat customers"), Kind.COUNT),
        Column(_("Main reason")),
        Column(_("Own limit used"), Kind.SHARE),
    ]


def _exact(value: Fraction | None) -> Decimal | None:
    return None if value is None else Decimal(value.numerator) / Decimal(value.denominator)


def _cells(agent: Agent, board: Board, shown: Shown) -> list[object]:
    figures = agent.figures
    use = board.limits.get(agent.staff)
    return [
        _("Nobody") if agent.staff == NOBODY else agent.name,
        agent.team,
        figures.cases,
        figures.compensated,
        _exact(figures.share_compensated),
        figures.issued,
        figures.face,
        figures.expected,
        None if figures.mean is None else round(figures.mean),
        _exact(agent.difference),
        figures.law,
        figures.law_face,
        figures.requested,
        figures.rejected,
        figures.voided,
        figures.voided_face,
        agent.repeat,
        shown.reason(agent.reason) if agent.reason else "",
        _exact(use.share) if use else None,
    ]


def _file(request: HttpRequest, board: Board, address: Address) -> HttpResponse:
    """The table of agents, all of them, as a file; recorded."""
    agents = board.agents[:MOST_ROWS]
    complete(board, agents)
    shown = Shown(board, address)
    market = address.sight.market
    period = days_written(address.period.start, address.period.last)
    notes = [
        f"{market.name}: {period}",
        _freshness(board),
        *(f"{menu.label}: {menu.chosen}" for menu in address.menus() if menu.chosen),
    ]
    staff = request.user
    assert isinstance(staff, Staff)
    record_export(
        report="issuance",
        kind=asked_format(request),
        rows=len(agents),
        filters=address.values,
        market=market,
        by=staff,
    )
    table = Table(
        _("Issuance by agent"),
        _columns(),
        [_cells(agent, board, shown) for agent in agents],
        notes,
    )
    name = f"issuance-{market.code}-{address.period.start}-{address.period.last}"
    return respond(request, name, [table], market)
