"""Intake: a new case, from the first key to the saved row, with its panel and its draft."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.selectors import visible_locations
from common.contacts import normalise_email, normalise_phone
from common.errors import InvalidInput, Refusal
from common.posting import accepted, post_only
from common.sentences import within
from incidents import bounds
from incidents.actions import discard_draft, save_draft
from incidents.models import Category, Customer, IntakeDraft
from incidents.selectors import categories_for, find_customers
from incidents.states import ContactChannel, IncidentKind

from ..actions import add_to_case, log_case, once, taken
from ..forms import IntakeForm, plain_amount, show_refusal
from ..places import WORKERS, Desk, desk_page
from ..selectors import lists
from ..selectors.intake import FIELDS, Panel, panel_for, picked_customer
from .rows import case_or_404

Typed = Mapping[str, str]


def _form(
    desk: Desk, categories: list[Category], data: Any = None, initial: Typed | None = None
) -> IntakeForm:
    return IntakeForm(
        data,
        initial=initial,
        market=desk.market,
        categories=categories,
        locations=visible_locations(desk.staff).filter(market=desk.market, is_active=True),
    )


def _defaults(desk: Desk) -> dict[str, str]:
    """What the last entry suggests for the next one."""
    last = lists.last_case_of(desk.staff, desk)
    location = last.location_id if last else desk.staff.location_id
    return {
        "kind": str(IncidentKind.CLAIM),
        "channel": last.channel if last else str(ContactChannel.PHONE),
        "location": str(location or ""),
    }


def _page(
    request: HttpRequest,
    desk: Desk,
    form: IntakeForm,
    typed: Typed,
    panel: Panel,
    *,
    draft: IntakeDraft | None = None,
    found: Sequence[Customer] = (),
    status: int = 200,
) -> HttpResponse:
    text = typed.get("customer_text", "")
    if panel.customer is not None:
        text = panel.customer.name
    new = bool(typed.get("new_name")) or (bool(text) and panel.customer is None)
    return render(
        request,
        "desk/intake.html",
        {
            "form": form,
            "panel": panel,
            "typed": typed,
            "customer_text": text,
            "shows_new_customer": new and (draft is not None or status != 200),
            "draft": draft,
            "found": [(row, contact_line(row)) for row in found],
            "fresh": status == 200 and panel.customer is None,
            "picked": status == 200 and panel.customer is not None,
            # What needs the person is never behind a closed title.
            "more_open": bool({"kind", "occurred_at"} & form.errors.keys()),
            "token": uuid.uuid4().hex,
        },
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_page(*WORKERS)
def intake(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The form of a new case. A refusal keeps everything typed and focuses the first field."""
    categories = categories_for(desk.market)
    if request.method == "POST":
        return _save(request, desk, categories)
    draft = IntakeDraft.objects.filter(staff=desk.staff).first()
    typed: dict[str, str] = {**_defaults(desk)}
    if draft is not None:
        typed.update({k: str(v) for k, v in draft.data.items() if k in FIELDS})
    asked = picked_customer(desk, request.GET.get("customer", ""))
    if asked is not None:
        known = dict.fromkeys(("new_name", "new_phone", "new_email"), "")
        typed.update({**known, "customer": str(asked.pk), "customer_text": asked.name})
    panel = panel_for(desk, typed, categories)
    typed["severity"], typed["suggested"] = panel.severity, panel.suggested
    return _page(request, desk, _form(desk, categories, initial=typed), typed, panel, draft=draft)


def _save(request: HttpRequest, desk: Desk, categories: list[Category]) -> HttpResponse:
    form = _form(desk, categories, request.POST)
    if form.is_valid():
        customer = _customer(desk, form)
        if not form.errors:
            try:
                address = once(
                    staff=desk.staff,
                    path=request.path,
                    data=request.POST,
                    act=lambda: _log(desk, form, customer),
                )
            except Refusal as refusal:
                show_refusal(form, refusal, IntakeForm.NAMES)
            else:
                folio = address.rstrip("/").rsplit("/", 1)[1]
                accepted(request, _("Case %(folio)s is logged.") % {"folio": folio})
                then_next = request.POST.get("then") == "next"
                return redirect("incident-new" if then_next else address)
    else:
        _show_further_faults(form)
    typed = {name: request.POST.get(name, "") for name in FIELDS}
    panel = panel_for(desk, typed, categories)
    found: list[Customer] = []
    if panel.customer is None and typed["customer_text"]:
        found = _found(desk, typed["customer_text"])
    return _page(request, desk, form, typed, panel, found=found, status=422)


def _show_further_faults(form: IntakeForm) -> None:
    """What would be refused next, with what was refused for its shape: nobody mends in rounds."""
    data = form.cleaned_data
    faults = bounds.Faults()
    if "category" in data:
        suggested = data["category"].suggested_severity
        reason = data.get("severity_reason", "")
        faults.of(bounds.severity, data.get("severity"), suggested, reason)
    faults.of(bounds.past_moment, data.get("occurred_at"), "occurred_at")
    for fault in faults.found:
        if fault.field not in form.errors:
            show_refusal(form, fault, IntakeForm.NAMES)


def _found(desk: Desk, text: str) -> list[Customer]:
    """Customers of this market that fit what was typed, contacts loaded."""
    rows = find_customers(desk.staff, text.strip()[:120])
    return [row for row in rows if row.market_id == desk.market.pk]


def _customer(desk: Desk, form: IntakeForm) -> Customer | None:
    """The picked customer, or None for a new one."""
    key = form.cleaned_data["customer"]
    if key is None:
        return None
    found = picked_customer(desk, str(key))
    if found is None:
        form.add_error("customer_text", _("This customer is not in this market."))
    return found


def _log(desk: Desk, form: IntakeForm, customer: Customer | None) -> str:
    incident = log_case(
        market=desk.market,
        customer=customer,
        new_customer=form.new_customer(),
        case=form.case(),
        by=desk.staff,
    )
    return reverse("incident", args=[incident.folio])


@require_safe
@desk_page(*WORKERS)
def look_up(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Rows of the look-up box; the last one creates what was typed."""
    text = request.GET.get("customer_text", "").strip()[:120]
    return render(
        request,
        "components/options.html",
        {
            "options": [
                {"value": row.pk, "label": row.name, "detail": contact_line(row)}
                for row in _found(desk, text)
            ],
            "create": _("Create “%(text)s” as a new customer") % {"text": text} if text else "",
        },
    )


def contact_line(customer: Customer) -> str:
    """Masked contacts in one line; the contacts are loaded already."""
    shown = [contact.masked for contact in customer.contacts.all() if contact.is_active]
    if customer.external_ref:
        shown.append(customer.external_ref)
    return " · ".join(shown[:3])


def guess_new_customer(text: str, country: str) -> dict[str, str]:
    """Which box of a new customer the typed text belongs in."""
    text = " ".join(text.split())
    if "@" in text:
        try:
            return {"new_email": normalise_email(text)}
        except InvalidInput:
            return {"new_name": text}
    if re.search(r"\d{4}", text) and not re.search(r"[^\W\d_]", text):
        try:
            normalise_phone(text, country)
        except InvalidInput:
            return {"new_name": ""}
        return {"new_phone": text}
    return {"new_name": text}


@post_only("incident-new")
@desk_page(*WORKERS)
def new_customer(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The boxes of a new customer, filled from what was looked up; empty once one is picked."""
    text = request.POST.get("customer_text", "")[:200]
    if request.POST.get("customer") or not text.strip():
        return HttpResponse()
    guess = guess_new_customer(text, desk.market.country)
    form = _form(desk, [], initial=guess)
    return render(request, "desk/_new_customer.html", {"form": form, "focus": True})


@post_only("incident-new")
@desk_page(*WORKERS)
def panel(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What stands beside the form, for what is typed so far."""
    categories = categories_for(desk.market)
    typed = {name: request.POST.get(name, "") for name in FIELDS}
    now = panel_for(desk, typed, categories)
    redraw = request.POST.get("box", "") != now.box
    fill = None
    if now.order_case is not None and not typed["amount"]:
        fill = plain_amount(now.order_case.amount_at_stake_minor, desk.market)
    form = _form(
        desk,
        categories,
        initial={**typed, "severity": now.severity, "suggested": now.suggested},
    )
    return render(
        request,
        "desk/_intake_answer.html",
        {"panel": now, "form": form, "redraw": redraw, "fill_amount": fill},
    )


@post_only("incident-new")
@desk_page(*WORKERS)
def draft(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Keeps what is typed so far. One that arrives after its form was saved is dropped."""
    if not taken(staff=desk.staff, token=request.POST.get("once", "")):
        data = {name: request.POST[name] for name in FIELDS if request.POST.get(name)}
        try:
            save_draft(staff=desk.staff, data=data)
        except InvalidInput as refusal:
            return HttpResponse(str(refusal), status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@post_only("incident-new")
@desk_page(*WORKERS)
def start_over(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Throws the draft away."""
    discard_draft(staff=desk.staff)
    return redirect("incident-new")


@post_only("incident", "folio")
@desk_page(*WORKERS)
def add_to(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Adds what was typed to a case that exists already, instead of opening another."""
    incident = case_or_404(desk, folio)
    words = request.POST.get("narrative", "").strip()
    channel = request.POST.get("channel", "")
    if channel in ContactChannel.values:
        heading = _("The customer reached us again, by %(channel)s.") % {
            "channel": within(str(ContactChannel(channel).label))
        }
    else:
        heading = _("The customer reached us again.")
    body = f"{heading}\n{words}".strip()
    try:
        once(
            staff=desk.staff,
            path=request.path,
            data=request.POST,
            act=lambda: str(add_to_case(incident=incident, body=body, by=desk.staff).pk),
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("incident-new")
    said = _("Added to %(folio)s.") % {"folio": incident.folio}
    accepted(request, said, path=reverse("incident-new"))
    return redirect("incident", incident.folio)
