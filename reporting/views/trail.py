"""The auditor's pages: the trail with its filters, one object's whole life, and verification."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.states import Role
from accounts.workplace import Workplace, workplace_page
from audit.actions import record
from audit.checkpoints import Checkpoints
from audit.selectors import sealing
from audit.verifying import Report, verify

from ..actions.exporting import record_export
from ..exports import Column, Kind, Table, asked_format, respond
from ..selectors import trail
from ..trail_form import TrailForm, read
from ..trail_words import act_name, kind_name

# A file of more rows helps nobody; the filters narrow it.
MOST_EXPORTED = 20_000
# What the button checks: the newest rows, within a time that a person waits for.
VERIFIED_ROWS = 300_000
VERIFIED_SECONDS = 12.0
_LONGEST_NUMBER = 18


@require_safe
@workplace_page(Role.AUDITOR)
def audit_trail(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The rows of the markets the person audits, the newest first; `export=csv` as a file."""
    markets = trail.audited_markets(here.staff)
    form, known = read(request, markets)
    asked = trail.Asked(**known, zone=ZoneInfo(here.market.time_zone))
    rows = trail.asked_rows(markets, asked)
    if asked_format(request):
        return _file(request, here, markets, asked)
    page = trail.page_of(rows, before=_number(request, "before"), after=_number(request, "after"))
    return render(
        request,
        "reporting/trail.html",
        {
            "form": form,
            "chips": _chips(form, known),
            "filtered": asked.filtered,
            "lines": list(trail.lines_of(page.rows, markets, here.market)),
            "previous_url": _address(known, after=page.newer) if page.newer else "",
            "next_url": _address(known, before=page.older) if page.older else "",
            "export_url": _address(known, export="csv"),
            "sealing": sealing(),
        },
    )


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    plain = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return int(text) if plain else None


def _address(known: dict[str, Any], **more: Any) -> str:
    """The page's own address with these filters."""
    values = {**{name: str(value) for name, value in known.items()}, **more}
    return reverse("audit-trail") + (f"?{urlencode(values)}" if values else "")


def _chips(form: TrailForm, known: dict[str, Any]) -> list[dict[str, str]]:
    chips = []
    for name, value in known.items():
        shown = str(value)
        if isinstance(value, dt.date):
            shown = date_format(value, "SHORT_DATE_FORMAT")
        elif name == "act":
            shown = act_name(shown)
        rest = {other: kept for other, kept in known.items() if other != name}
        words = {"name": form.fields[name].label, "value": shown}
        chips.append({"label": _("%(name)s: %(value)s") % words, "url": _address(rest)})
    return chips


def _file(
    request: HttpRequest, here: Workplace, markets: trail.Markets, asked: trail.Asked
) -> HttpResponse:
    """The newest rows that fit, up to a bound; that it was taken is a row of the trail itself."""
    found = list(
        trail.asked_rows(markets, asked).order_by(*trail.NEWEST_FIRST)[: MOST_EXPORTED + 1]
    )
    shown = found[:MOST_EXPORTED]
    notes = []
    if len(found) > MOST_EXPORTED:
        words = _("Only the newest %(number)s rows are in this file.")
        notes.append(words % {"number": MOST_EXPORTED})
    record_export(
        report="audit-trail",
        kind=asked_format(request),
        rows=len(shown),
        filters=_recorded(asked),
        market=here.market,
        by=here.staff,
    )
    table = Table(_("Audit trail"), _columns(), _cells(shown, markets, here), notes)
    return respond(request, f"audit-trail-{here.market.code}", [table], here.market)


def _recorded(asked: trail.Asked) -> dict[str, str]:
    """What was asked, without the name that was typed."""
    said = {
        "act": asked.act,
        "market": asked.market,
        "object": asked.thing,
        "since": str(asked.since or ""),
        "until": str(asked.until or ""),
        "one_person": "yes" if asked.person else "",
    }
    return {name: value for name, value in said.items() if value}


def _columns() -> list[Column]:
    return [
        Column(_("Row"), Kind.COUNT),
        Column(_("At"), Kind.LOCAL),
        Column(_("Time zone")),
        Column(_("Who")),
        Column(_("Role")),
        Column(_("Act")),
        Column(_("What was done")),
        Column(_("Reason")),
        Column(_("Object")),
        Column(_("Object's id")),
        Column(_("Case")),
        Column(_("Market")),
        Column(_("Before and after")),
        Column(_("Request id")),
    ]


def _cells(rows: list[Any], markets: trail.Markets, here: Workplace) -> Iterator[list[Any]]:
    for line in trail.lines_of(rows, markets, here.market):
        event = line.event
        assert event is not None
        yield [
            event.pk,
            event.at.astimezone(line.zone),
            line.zone_label,
            line.who,
            line.role,
            event.act,
            line.text,
            line.reason,
            kind_name(event.object_kind),
            event.object_id,
            line.folio,
            line.market,
            "; ".join(f"{name}: {old} > {new}" for name, old, new in line.details),
            event.request_id,
        ]


@require_safe
@workplace_page(Role.AUDITOR)
def audit_life(request: HttpRequest, here: Workplace, kind: str, key: str) -> HttpResponse:
    """Everything that happened to one thing, the oldest first."""
    markets = trail.audited_markets(here.staff)
    life = trail.life_of(kind, key, markets, here.market)
    return render(request, "reporting/trail_life.html", {"life": life, "kind": kind, "key": key})


@require_POST
@workplace_page(Role.AUDITOR)
def audit_verify(request: HttpRequest, here: Workplace) -> HttpResponse:
    """Holds the newest part of the trail against its seals; that it was asked is recorded."""
    path = Path(settings.AUDIT_CHECKPOINT_FILE) if settings.AUDIT_CHECKPOINT_FILE else None
    checkpoints = Checkpoints(path) if path is not None and path.is_file() else None
    report = verify(checkpoints=checkpoints, newest_rows=VERIFIED_ROWS, seconds=VERIFIED_SECONDS)
    _record(report, here)
    shown = {"report": report, "row_url": _row_url(report), "sealing": sealing()}
    whole = not request.htmx  # type: ignore[attr-defined]
    name = "reporting/trail_verified.html" if whole else "reporting/_trail_seals.html"
    return render(request, name, shown)


def _row_url(report: Report) -> str:
    finding = report.finding
    if finding is None or finding.row is None:
        return ""
    return _address({"thing": finding.row})


@transaction.atomic
def _record(report: Report, here: Workplace) -> None:
    finding = report.finding
    after: dict[str, Any] = {
        "fine": report.fine,
        "complete": report.complete,
        "rows": report.rows,
        "seals": report.seals,
        "first_seal": report.first_seal,
    }
    if finding is not None:
        after |= {"wrong": finding.wrong.value, "row": finding.row, "seal": finding.seal}
    record(
        act="audit.verified",
        by=here.staff.as_actor(Role.AUDITOR),
        object_kind="audit",
        object_id="trail",
        market_code=here.market.code,
        after=after,
    )
