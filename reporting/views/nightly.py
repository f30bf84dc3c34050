"""Nightly reports: the list with what is signed and what waits, one day, comments, sign-off."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Market, Staff, Team
from accounts.workplace import Workplace, workplace_page
from common.errors import NotAllowed, Refusal
from common.windows import local_date

from ..actions import comment_report, record_export, sign_report
from ..exports import Column, Kind, Table, asked_format, respond
from ..models import NightlyReport, ReportSignature
from ..night_words import attention, ledger_sentence, summary
from ..selectors.reports import (
    own_row,
    part_of,
    reading_sight,
    seen_team_ids,
    signatures_of,
    signers_of,
    visible_reports,
)
from ..selectors.sight import LOOKERS, Sight
from .night_shown import Line, Shown
from .shown import day_written

PAGE = 31


@require_safe
@workplace_page(*LOOKERS)
def nightly_reports(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The market's nights, the newest first; `before` is a date to go on from."""
    sight = reading_sight(here.staff, here.market)
    reports = visible_reports(sight)
    before = _date(request.GET.get("before", ""))
    rows = list((reports.filter(date__lt=before) if before else reports)[: PAGE + 1])
    shown = rows[:PAGE]
    for report in shown:
        report.market = here.market
    signed = signatures_of(shown)
    names = dict(Team.objects.filter(market=here.market).values_list("pk", "name"))
    today = local_date(timezone.now(), here.market.time_zone)
    return render(
        request,
        "reporting/nightly_list.html",
        {
            "market": here.market,
            "sight": sight,
            "rows": [_row(report, sight, signed[report.pk], names, today) for report in shown],
            "next_url": (
                f"?{urlencode({'before': shown[-1].date.isoformat()})}" if len(rows) > PAGE else ""
            ),
            "first_url": reverse("nightly-reports") if before else "",
        },
    )


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _row(
    report: NightlyReport,
    sight: Sight,
    signed: dict[int, ReportSignature],
    names: dict[int, str],
    today: dt.date,
) -> dict[str, Any]:
    teams = seen_team_ids(report, sight)
    waiting = [names.get(team, "") for team in teams if team not in signed]
    return {
        "report": report,
        "url": report_url(report),
        "day": day_written(report.date, year=True),
        # The market's sums are for who reads it whole; a supervisor's own are on the page.
        "totals": report.totals if sight.teams is None else None,
        "teams": len(teams),
        "signed": len(teams) - len(waiting),
        "waiting": sorted(waiting),
        "age": (today - report.date).days if waiting else 0,
    }


def report_url(report: NightlyReport) -> str:
    return reverse("nightly-report", args=[report.market.code, report.date.isoformat()])


def _market(here: Workplace, code: str) -> Market:
    """The market of the address, where the person reads reports. Raises Http404."""
    market = next((row for row in here.markets if row.code == code), None)
    if market is None:
        raise Http404
    return market


def _report(here: Workplace, code: str, date: str) -> tuple[NightlyReport, Sight]:
    market = _market(here, code)
    sight = reading_sight(here.staff, market)
    wanted = _date(date)
    if wanted is None:
        raise Http404
    report = get_object_or_404(NightlyReport, market=market, date=wanted)
    report.market = market
    return report, sight


@require_safe
@workplace_page(*LOOKERS)
def nightly_report(request: HttpRequest, here: Workplace, code: str, date: str) -> HttpResponse:
    """One night for one reader; `export` gives it as a file."""
    report, sight = _report(here, code, date)
    part = part_of(report.content, sight)
    if asked_format(request):
        return _file(request, report, part, here.staff)
    with timezone.override(ZoneInfo(report.market.time_zone)):
        return _page(request, here, report, sight, part)


def _page(
    request: HttpRequest,
    here: Workplace,
    report: NightlyReport,
    sight: Sight,
    part: dict[str, Any],
    *,
    refusal: Refusal | None = None,
    typed: str = "",
) -> HttpResponse:
    market = report.market
    shown = Shown(part, market)
    signed = signatures_of([report])[report.pk]
    teams = [
        _team(team, shown, report, signed, here.staff)
        for team in sorted(part["teams"], key=lambda team: shown.team_name(team["team"]))
    ]
    beside = NightlyReport.objects.filter(market=market).defer("content").order_by("date")
    return render(
        request,
        "reporting/nightly_report.html",
        {
            "report": report,
            "market": market,
            "sight": sight,
            "shown": shown,
            "part": part,
            "summary": summary(part, market),
            "attention": shown.attention(),
            "unsigned": [team for team in teams if team["may_sign"]],
            "agrees": part["difference"] == 0,
            "ledger_sentence": "" if part["ledger"] is None else ledger_sentence(part, market),
            "teams": teams,
            "comments": report.comments.select_related("by"),
            "before": beside.filter(date__lt=report.date).last(),
            "after": beside.filter(date__gt=report.date).first(),
            "base_url": report_url(report),
            "refusal": refusal,
            "typed": typed,
        },
        status=refusal.status if refusal else 200,
    )


def _team(
    team: dict[str, Any],
    shown: Shown,
    report: NightlyReport,
    signed: dict[int, ReportSignature],
    reader: Staff,
) -> dict[str, Any]:
    """A team's part, with its signature or who has to give it."""
    row = shown.teams.get(team["team"])
    signature = signed.get(team["team"])
    signers = [] if row is None or signature else signers_of(report.content, row)
    return {
        "key": team["team"],
        "name": shown.team_name(team["team"]),
        "sentence": shown.team_sentence(team),
        "budget": shown.room(team["budget"]),
        "lines": shown.lines(team),
        "needs_signature": row is not None,
        "signature": signature,
        "may_sign": reader.pk in {signer.pk for signer in signers},
        "own": row is not None and own_row(report.content, row.pk, reader.pk),
        "signers": ", ".join(sorted(signer.name for signer in signers)),
    }


@require_POST
@workplace_page(*LOOKERS)
def nightly_sign(request: HttpRequest, here: Workplace, code: str, date: str) -> HttpResponse:
    """Signs one team's part of the revision that the page showed."""
    report, sight = _report(here, code, date)
    number, revision = request.POST.get("team", ""), request.POST.get("revision", "")
    if not (number.isdigit() and len(number) < 18 and revision.isdigit() and len(revision) < 9):
        raise Http404
    teams = Team.objects.filter(market=report.market, pk__in=seen_team_ids(report, sight))
    team = get_object_or_404(teams, pk=int(number))
    try:
        sign_report(
            report=report,
            team=team,
            revision=int(revision),
            note=request.POST.get("note", ""),
            by=here.staff,
        )
    except NotAllowed:
        raise
    except Refusal as refusal:
        report.refresh_from_db()
        return _page(
            request,
            here,
            report,
            sight,
            part_of(report.content, sight),
            refusal=refusal,
        )
    messages.success(request, _("Signed: %(team)s") % {"team": team.name})
    return redirect(f"{report_url(report)}#team-{team.pk}")


@require_POST
@workplace_page(*LOOKERS)
def nightly_comment(request: HttpRequest, here: Workplace, code: str, date: str) -> HttpResponse:
    """Adds a comment; a refused one stays in its box."""
    report, sight = _report(here, code, date)
    body = request.POST.get("body", "")
    try:
        comment_report(report=report, body=body, by=here.staff)
    except NotAllowed:
        raise
    except Refusal as refusal:
        part = part_of(report.content, sight)
        return _page(request, here, report, sight, part, refusal=refusal, typed=body)
    messages.success(request, _("Your comment is in the report"))
    return redirect(f"{report_url(report)}#comments")


def _file(
    request: HttpRequest, report: NightlyReport, part: dict[str, Any], reader: Staff
) -> HttpResponse:
    """Every table of the reader's part in one file; taking it out is on record."""
    shown = Shown(part, report.market)
    tables = list(_tables(report, part, shown))
    record_export(
        report="nightly",
        kind=asked_format(request),
        rows=sum(len(list(table.rows)) for table in tables),
        filters={"date": report.date.isoformat(), "revision": str(report.revision)},
        market=report.market,
        by=reader,
    )
    name = f"{report.market.code}-{report.date.isoformat()}"
    return respond(request, name, tables, report.market)


_PEOPLE = (
    ("cases", Kind.COUNT),
    ("compensated", Kind.COUNT),
    ("issued", Kind.COUNT),
    ("issued_face", Kind.MONEY),
    ("issued_expected", Kind.MONEY),
    ("mean", Kind.MONEY),
    ("peer_mean", Kind.MONEY),
    ("requested", Kind.COUNT),
    ("rejected", Kind.COUNT),
    ("voided", Kind.COUNT),
    ("voided_face", Kind.MONEY),
    ("reissued", Kind.COUNT),
    ("redeemed", Kind.COUNT),
    ("redeemed_value", Kind.MONEY),
    ("expired", Kind.COUNT),
    ("expired_value", Kind.MONEY),
    ("failed", Kind.COUNT),
    ("promises", Kind.COUNT),
)


def _people_names() -> dict[str, str]:
    return {
        "cases": _("Cases"),
        "compensated": _("Compensated by midnight"),
        "issued": _("Granted"),
        "issued_face": _("Value"),
        "issued_expected": _("Expected cost"),
        "mean": _("Mean, goodwill"),
        "peer_mean": _("Peers' mean for the same mix"),
        "requested": _("Requested"),
        "rejected": _("Rejected"),
        "voided": _("Voided"),
        "voided_face": _("Value voided"),
        "reissued": _("Reissued"),
        "redeemed": _("Redeemed"),
        "redeemed_value": _("Value redeemed"),
        "expired": _("Expired"),
        "expired_value": _("Value expired"),
        "failed": _("Messages not delivered"),
        "promises": _("Promises not kept"),
    }


def _tables(report: NightlyReport, part: dict[str, Any], shown: Shown) -> Iterable[Table]:
    names = _people_names()
    notes = [
        _("Nightly report of %(market)s, %(date)s, revision %(revision)s")
        % {
            "market": report.market.name,
            "date": date_format(report.date, "DATE_FORMAT"),
            "revision": report.revision,
        },
        *summary(part, report.market),
        *attention(part),
    ]
    yield Table(
        _("People"),
        [
            Column(_("Team")),
            Column(_("Name")),
            *(Column(names[key], kind) for key, kind in _PEOPLE),
            Column(_("Kinds")),
            Column(_("Reasons")),
        ],
        [_person_row(shown, team, line) for team in part["teams"] for line in shown.lines(team)],
        notes,
    )
    sums = [
        Column(_("Compensations"), Kind.COUNT),
        Column(_("Value"), Kind.MONEY),
        Column(_("Expected cost"), Kind.MONEY),
    ]
    yield Table(_("Kinds"), [Column(_("Kind")), *sums], [row["row"] for row in shown.kinds()])
    yield Table(_("Reasons"), [Column(_("Reason")), *sums], [row["row"] for row in shown.reasons()])
    if part["ledger"] is not None:
        yield Table(
            _("Ledger"),
            [
                Column(_("Event")),
                Column(_("Currency")),
                Column(_("Report"), Kind.MONEY),
                Column(_("Ledger"), Kind.MONEY),
                Column(_("Difference"), Kind.MONEY),
            ],
            [row["row"] for row in shown.ledger()],
        )


def _person_row(shown: Shown, team: dict[str, Any], line: Line) -> list[Any]:
    figures = [line.figures[key] for key, _kind in _PEOPLE]
    return [shown.team_name(team["team"]), line.name, *figures, line.kinds, line.reasons]
