"""Acts on a case that move no value: notes, promises, steps, and the arrows of its life.

Each is a POST that ends in a redirect. A refusal draws the case again with the form kept.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.posting import accepted, post_only
from incidents.actions import (
    acknowledge_playbook,
    add_note,
    close_incident,
    make_promise,
    reopen_incident,
    resolve_incident,
    tick_step,
)
from incidents.models import Incident, Playbook

from ..actions import once
from ..forms import NoteForm, PromiseForm, ReasonForm, ResolveForm, show_refusal
from ..places import READERS, WORKERS, Desk, desk_page
from ..selectors.case import people_who_work
from .case import case_page
from .rows import case_or_404

Text = str | LazyText


def _taken(
    request: HttpRequest,
    desk: Desk,
    incident: Incident,
    name: str,
    form: forms.Form,
    act: Callable[[dict[str, Any]], object],
    done: Text,
    anchor: str = "",
) -> HttpResponse:
    """Takes a form once and goes back to the case; refused, draws the case with the form kept."""
    if form.is_valid():

        def run() -> str:
            act(form.cleaned_data)
            return reverse("incident", args=[incident.folio]) + anchor

        try:
            address = once(staff=desk.staff, path=request.path, data=request.POST, act=run)
        except Refusal as refusal:
            show_refusal(form, refusal)
            status = refusal.status
        else:
            accepted(request, done)
            return redirect(address)
    else:
        status = 422
    return case_page(request, desk, incident, status=status, **{name: form})


@post_only("incident", "folio")
@desk_page()
def note(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Adds an internal note."""
    incident = case_or_404(desk, folio)
    return _taken(
        request,
        desk,
        incident,
        "note",
        NoteForm(request.POST, auto_id="note_%s"),
        lambda data: add_note(incident=incident, body=data["body"], by=desk.staff),
        _("The note is added."),
        "#composer",
    )


@post_only("incident", "folio")
@desk_page(*WORKERS)
def promise(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Promises the customer something by a moment."""
    incident = case_or_404(desk, folio)
    form = PromiseForm(
        request.POST, people=people_who_work(desk, incident.market), auto_id="promise_%s"
    )
    return _taken(
        request,
        desk,
        incident,
        "promise",
        form,
        lambda data: make_promise(
            incident=incident,
            kind=data["kind"],
            due_at=data["due_at"],
            owner=data["owner"],
            detail=data["detail"],
            by=desk.staff,
        ),
        _("The promise is noted."),
        "#composer",
    )


@post_only("incident", "folio")
@desk_page(*WORKERS)
def step(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Ticks one of the steps that no other act proves."""
    incident = case_or_404(desk, folio)
    try:
        tick_step(incident=incident, step=request.POST.get("step", ""), by=desk.staff)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("incident", folio)


@post_only("incident", "folio")
@desk_page(*WORKERS)
def resolve(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Says how the case was put right."""
    incident = case_or_404(desk, folio)
    return _taken(
        request,
        desk,
        incident,
        "resolution",
        ResolveForm(request.POST, auto_id="resolve_%s"),
        lambda data: resolve_incident(
            incident=incident, resolution=data["resolution"], by=desk.staff
        ),
        _("The case is resolved."),
    )


@post_only("incident", "folio")
@desk_page(*WORKERS)
def close(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Ends a resolved case. Refused, the page says at the button what stands in the way."""
    incident = case_or_404(desk, folio)
    try:
        close_incident(incident=incident, by=desk.staff)
    except Refusal as refusal:
        incident = case_or_404(desk, folio)
        return case_page(request, desk, incident, status=409, unclosed=refusal)
    messages.success(request, _("The case is closed."))
    return redirect("incident", folio)


@post_only("incident", "folio")
@desk_page(*WORKERS)
def reopen(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Takes a resolved or closed case up again, for a reason."""
    incident = case_or_404(desk, folio)
    return _taken(
        request,
        desk,
        incident,
        "reopening",
        ReasonForm(request.POST, auto_id="reopen_%s"),
        lambda data: reopen_incident(incident=incident, reason=data["reason"], by=desk.staff),
        _("The case is open again."),
    )


@post_only("incident", "folio")
@desk_page(*READERS)
def read_playbook(request: HttpRequest, desk: Desk, folio: str, pk: int) -> HttpResponse:
    """The person has read this version of the playbook."""
    incident = case_or_404(desk, folio)
    playbook = Playbook.objects.filter(pk=pk, market=incident.market).first()
    if playbook is None:
        raise Http404
    acknowledge_playbook(playbook=playbook, by=desk.staff)
    return redirect("incident", folio)
