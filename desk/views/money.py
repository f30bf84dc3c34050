"""Acts on a case that move value, and the way of their messages.

The code of a coupon never passes through here: what an agent hands over is the customer's link.
"""

import uuid

import segno
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.errors import Refusal
from common.posting import accepted, post_only
from compensations.actions import grant_or_request, reissue, resend, void
from compensations.messages import portal_url
from compensations.models import Compensation, Offer
from compensations.selectors import visible_compensations
from compensations.states import CompensationState
from delivery.actions import confirm_handover, replay, write_off
from delivery.models import Message
from delivery.selectors import latest_for, messages_about
from delivery.states import Channel
from incidents.models import Incident
from incidents.selectors import active_contacts

from ..actions import once
from ..forms import GrantForm, ReasonForm, SendForm, show_refusal
from ..places import WORKERS, Desk, desk_page
from ..selectors.case import channel_choices
from ..selectors.given import LIVE
from ..selectors.handover import asked_words, granted_words
from ..selectors.way import way_of
from .case import case_page
from .rows import case_or_404


def _case(incident: Incident, anchor: str = "") -> str:
    return reverse("incident", args=[incident.folio]) + anchor


def _after_sending(incident: Incident, compensation: Compensation, message: Message | None) -> str:
    """What is handed over has a page of its own; the rest shows its way on the case."""
    if message is not None and message.channel == Channel.HANDOVER:
        portal_url(compensation, message)
        return reverse("handover", args=[incident.folio, message.pk])
    return _case(incident, "#given")


def _compensation(desk: Desk, incident: Incident, pk: uuid.UUID) -> Compensation:
    found = visible_compensations(desk.staff).filter(pk=pk, incident=incident).first()
    if found is None:
        raise Http404
    return found


@post_only("incident", "folio")
@desk_page(*WORKERS)
def grant_offer(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Grants the chosen offer, or asks for it where that needs a second person and says why.

    A refusal says which rule, what is left and what to do.
    """
    incident = case_or_404(desk, folio)
    channels = channel_choices(incident.market, active_contacts(incident.customer))
    form = GrantForm(request.POST, market=incident.market, channels=channels)
    status = 422
    refusal: Refusal | None = None
    asking = False
    if form.is_valid():
        data = form.cleaned_data

        def run() -> str:
            made = grant_or_request(
                incident=incident,
                offer=Offer(pk=data["offer"]),
                amount_minor=data["amount_minor"],
                channel=data["channel"] or None,
                reason=data["reason"],
                by=desk.staff,
            )
            if made.state == CompensationState.REQUESTED:
                accepted(request, asked_words(made))
                return _case(incident, "#given")
            message = latest_for(made.pk)
            accepted(request, granted_words(message))
            return _after_sending(incident, made, message)

        try:
            address = once(staff=desk.staff, path=request.path, data=request.POST, act=run)
        except Refusal as error:
            refusal, status = error, error.status
            # What only a second person may give is asked for at once: the reason is all that lacks.
            asking = error.extra.get("request") is True
            if error.field == "amount_minor" and not asking:
                form.refuse_amount(str(error))
            else:
                show_refusal(form, error)
        else:
            return redirect(address)
    return case_page(
        request, desk, incident, status=status, grant=form, refusal=refusal, asking=asking
    )


@post_only("incident", "folio")
@desk_page(*WORKERS)
def send(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Sends the same code again, over the same or another channel."""
    incident = case_or_404(desk, folio)
    compensation = _compensation(desk, incident, pk)
    form = SendForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose how to send it."))
        return redirect(_case(incident, "#given"))

    def run() -> str:
        message = resend(
            compensation=compensation, channel=form.cleaned_data["channel"], by=desk.staff
        )
        return _after_sending(incident, compensation, message)

    try:
        address = once(staff=desk.staff, path=request.path, data=request.POST, act=run)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(_case(incident, "#given"))
    if form.cleaned_data["channel"] != Channel.HANDOVER:
        messages.success(request, _("The same code goes out again."))
    return redirect(address)


@post_only("incident", "folio")
@desk_page(*WORKERS)
def take_back(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Voids what was not redeemed; with `again`, grants the same once more under a new code."""
    incident = case_or_404(desk, folio)
    compensation = _compensation(desk, incident, pk)
    form = ReasonForm(request.POST, auto_id="void_%s")
    status = 422
    again = request.POST.get("then") == "again"
    if form.is_valid():
        reason = form.cleaned_data["reason"]

        def run() -> str:
            if again:
                fresh = reissue(compensation=compensation, reason=reason, by=desk.staff)
                return _after_sending(incident, fresh, latest_for(fresh.pk))
            void(compensation=compensation, reason=reason, by=desk.staff)
            return _case(incident, "#given")

        try:
            address = once(staff=desk.staff, path=request.path, data=request.POST, act=run)
        except Refusal as refusal:
            show_refusal(form, refusal)
            status = refusal.status
        else:
            words = _("Replaced by a new code.") if again else _("Voided. Its room is yours again.")
            accepted(request, words)
            return redirect(address)
    return case_page(
        request, desk, incident, status=status, voiding=form, voiding_pk=compensation.pk
    )


def _message(desk: Desk, incident: Incident, pk: uuid.UUID) -> Message:
    found = messages_about(incident.pk).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_safe
@never_cache
@desk_page()
def way(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Where a message is. Says nothing (204) as long as the page shows it already."""
    incident = case_or_404(desk, folio)
    message = _message(desk, incident, pk)
    live = visible_compensations(desk.staff).filter(pk=message.ref, state__in=LIVE).exists()
    now = way_of(message, live=live)
    if request.GET.get("seen") == now.seen:
        return HttpResponse(status=204)
    can_work = desk.works_in(incident.market_id)
    told = "now" if "told" in request.GET else ""
    context = {"way": now, "folio": folio, "can_work": can_work, "told": told}
    return render(request, "desk/_way.html", context)


@require_safe
@never_cache
@desk_page(*WORKERS)
def handover(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """The customer's link and its QR, to be given in the conversation and then confirmed."""
    incident = case_or_404(desk, folio)
    message = _message(desk, incident, pk)
    compensation = _compensation(desk, incident, message.ref)
    if message.channel != Channel.HANDOVER or not desk.works_in(incident.market_id):
        raise Http404
    if compensation.state != CompensationState.ISSUED:
        messages.error(
            request, _("This compensation is no longer valid, so it is not handed over.")
        )
        return redirect(_case(incident))
    with transaction.atomic():
        link = portal_url(compensation, message)
    picture = segno.make(link, error="m", micro=False).svg_inline(border=0, omitsize=True)
    return render(
        request,
        "desk/handover.html",
        {
            "incident": incident,
            "compensation": compensation,
            "market_locale": incident.market.locale,
            "way": way_of(message),
            "link": link,
            # Made by segno from our own address.
            "qr": mark_safe(picture),  # noqa: S308
        },
    )


@post_only("incident", "folio")
@desk_page(*WORKERS)
def confirm(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """The customer has the link."""
    incident = case_or_404(desk, folio)
    try:
        confirm_handover(message=_message(desk, incident, pk), by=desk.staff)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Noted: the customer has it."))
    return redirect(_case(incident, "#given"))


@post_only("incident", "folio")
@desk_page(*WORKERS)
def try_again(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Queues a message that failed, or whose outcome nobody knows, once more."""
    incident = case_or_404(desk, folio)
    try:
        replay(message=_message(desk, incident, pk), by=desk.staff)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The same message goes out again."))
    return redirect(_case(incident, "#given"))


@post_only("incident", "folio")
@desk_page(*WORKERS)
def give_up(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Writes a message off, for a reason."""
    incident = case_or_404(desk, folio)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        write_off(message=_message(desk, incident, pk), by=desk.staff, reason=reason)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Written off. Nobody tries it again."))
    return redirect(_case(incident, "#given"))
