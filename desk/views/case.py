"""The page of one case, and its correction. The acts on it are in `acts` and `money`."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.selectors import visible_locations
from common.errors import Refusal, Stale
from common.posting import accepted
from compensations.refusals import LimitExceeded
from incidents.actions import change_incident
from incidents.models import Incident
from incidents.selectors import categories_for, folios_meant
from incidents.states import IncidentState

from ..clocks import OPEN_STATES, compensation_clock, resolution_clock
from ..forms import (
    ChangeForm,
    GrantForm,
    NoteForm,
    PromiseForm,
    ReasonForm,
    ResolveForm,
    plain_amount,
    show_refusal,
)
from ..places import WORKERS, Desk, desk_page
from ..selectors.case import CaseView, OptionRow, case_view, option_rows, people_who_work
from ..selectors.story import GROUPS
from ..stale import Merge, opened_with, show_stale
from .rows import case_or_404

# Older entries of a long story wait behind a link.
SHOWN = 80


def _in_an_hour() -> str:
    """A first guess for a promise, on the next quarter of an hour, local to the market."""
    later = timezone.localtime() + dt.timedelta(hours=1)
    quarter = later + dt.timedelta(minutes=-later.minute % 15)
    return quarter.strftime("%Y-%m-%dT%H:%M")


def _tabs(request: HttpRequest, view: CaseView, show: str) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for entry in view.entries:
        counts[entry.group] = counts.get(entry.group, 0) + 1
    path = request.path if request.method == "GET" else ""
    return [
        {"label": _("All"), "url": f"{path}#timeline", "current": not show},
        *(
            {
                "label": label,
                "url": f"{path}?show={name}#timeline",
                "current": name == show,
                "count": counts[name],
            }
            for name, label in GROUPS.items()
            if counts.get(name)
        ),
    ]


def _options(view: CaseView, form: GrantForm | None, *, asking: bool) -> list[OptionRow]:
    """The offers, with what the person chose and typed where the grant was refused."""
    if view.offers is None:
        return []
    rows = option_rows(view.offers)
    if form is None or not form.is_bound:
        return rows
    chosen = str(form.data.get("offer", ""))
    return [
        replace(
            row,
            typed=form.typed(row.pk),
            checked=str(row.pk) == chosen,
            error=form.amount_error if str(row.pk) == chosen else "",
            asking=asking and str(row.pk) == chosen,
        )
        for row in rows
    ]


def _fitting(options: list[OptionRow], refusal: Refusal | None) -> OptionRow | None:
    """The chosen offer whose amount a limit refused and of which a smaller one can be granted."""
    if not isinstance(refusal, LimitExceeded):
        return None
    return next((row for row in options if row.checked and row.has_range and row.fits_minor), None)


@dataclass(frozen=True, slots=True)
class Lost:
    """A refused act whose form the page no longer draws: why, and what was typed in it."""

    reasons: list[str]
    typed: list[tuple[str, str]]


def _lost(view: CaseView, incident: Incident, refused: Mapping[str, Any]) -> Lost | None:
    """The refused act that would be answered in silence, if there is one."""
    is_open = incident.state in OPEN_STATES
    voidable = {row.compensation.pk for row in view.given if row.sendable and row.may_void}
    drawn = {
        "promise": view.can_work,
        "resolution": view.can_work and is_open,
        "reopening": view.can_work and not is_open,
        "grant": view.can_work and is_open and bool(view.offers and view.offers.options),
        "voiding": view.can_work and refused.get("voiding_pk") in voidable,
    }
    form: forms.Form | None = next(
        (refused[name] for name, here in drawn.items() if name in refused and not here), None
    )
    if form is None:
        return None
    typed = [
        (str(field.label), str(form.data.get(name, "")).strip())
        for name, field in form.fields.items()
        if isinstance(field, forms.CharField)
    ]
    if isinstance(form, GrantForm):
        typed.append((_("Amount"), str(form.data.get(form.amount_name, "")).strip()))
    reasons = [str(error) for errors in form.errors.values() for error in errors]
    return Lost(list(dict.fromkeys(reasons)), [row for row in typed if row[1]])


def case_page(
    request: HttpRequest,
    desk: Desk,
    incident: Incident,
    *,
    status: int = 200,
    **refused: Any,
) -> HttpResponse:
    """The page; `refused` holds the bound form of an act that was not taken, by its name."""
    view = case_view(desk, incident)
    show = request.GET.get("show", "")
    show = show if show in GROUPS else ""
    entries = [entry for entry in view.entries if not show or entry.group == show]
    hidden = 0 if "all" in request.GET else max(len(entries) - SHOWN, 0)
    people = people_who_work(desk, incident.market) if view.can_work else []
    options = _options(view, refused.get("grant"), asking=bool(refused.get("asking")))
    return render(
        request,
        "desk/case.html",
        {
            "incident": incident,
            "market_locale": incident.market.locale,
            "market_currency": incident.currency,
            "view": view,
            "rail": view.rail,
            "compensate": compensation_clock(incident),
            "resolve": resolution_clock(incident),
            "options": options,
            "fitting": _fitting(options, refused.get("refusal")),
            "entries": entries[hidden:],
            "hidden": hidden,
            "tabs": _tabs(request, view, show),
            "can_comment": desk.comments_in(incident.market_id),
            "can_audit": desk.audits_in(incident.market_id),
            "is_open": incident.state in OPEN_STATES,
            "is_resolved": incident.state == IncidentState.RESOLVED,
            "is_closed": incident.state == IncidentState.CLOSED,
            "note": NoteForm(auto_id="note_%s"),
            "promise": PromiseForm(
                people=people, initial={"due_at": _in_an_hour()}, auto_id="promise_%s"
            ),
            "resolution": ResolveForm(auto_id="resolve_%s"),
            "reopening": ReasonForm(auto_id="reopen_%s"),
            "voiding": ReasonForm(auto_id="void_%s"),
            "token": uuid.uuid4().hex,
            "lost": _lost(view, incident, refused),
            **refused,
        },
        status=status,
    )


@require_safe
@desk_page()
def case(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """One case, whole. A folio in small letters or without its zeros leads to the right address."""
    meant = folios_meant(folio)
    if len(meant) == 1 and meant[0] != folio:
        return redirect("incident", case_or_404(desk, meant[0]).folio)
    return case_page(request, desk, case_or_404(desk, folio))


def _shown(incident: Incident) -> dict[str, Any]:
    """What the form of a correction starts from."""
    occurred = incident.occurred_at
    shown = {
        "version": incident.version,
        "category": str(incident.category_id),
        "severity": incident.severity,
        "severity_reason": incident.severity_reason,
        "narrative": incident.narrative,
        "kind": incident.kind,
        "channel": incident.channel,
        "location": str(incident.location_id or ""),
        "order_ref": incident.order_ref,
        "amount": plain_amount(incident.amount_at_stake_minor, incident.market),
        "occurred_at": timezone.localtime(occurred).strftime("%Y-%m-%dT%H:%M") if occurred else "",
        "owner": str(incident.owner_id or ""),
    }
    return opened_with(shown)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_page(*WORKERS)
def change(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Corrects a case. A stale save shows what both changed, and keeps the text."""
    incident = case_or_404(desk, folio)
    market = incident.market
    form = ChangeForm(
        request.POST if request.method == "POST" else None,
        initial=_shown(incident),
        market=market,
        categories=categories_for(market),
        locations=visible_locations(desk.staff).filter(market=market, is_active=True),
        people=people_who_work(desk, market),
    )
    merge = Merge()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                change_incident(
                    incident=incident,
                    version=form.cleaned_data["version"],
                    by=desk.staff,
                    **form.case(),
                )
            except Stale as refusal:
                status = 409
                incident = case_or_404(desk, folio)
                merge = show_stale(form, refusal, _shown(incident))
            except Refusal as refusal:
                show_refusal(form, refusal, ChangeForm.NAMES)
            else:
                accepted(request, _("The case is corrected."))
                return redirect("incident", folio)
    return render(
        request,
        "desk/change.html",
        {
            "incident": incident,
            "market_locale": market.locale,
            "form": form,
            "differences": merge.differences,
            "taken": merge.taken,
        },
        status=status,
    )
