"""Requests for a second person: the inbox of those who decide, and one's own.

A decision is harmless to send twice: the second sees who decided.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.states import Role
from common.errors import NotAllowed, Refusal
from common.posting import post_only
from compensations.actions import approve, pass_up, reject, withdraw
from compensations.models import Approval
from compensations.selectors import visible_approvals
from compensations.states import ApprovalState
from delivery.selectors import latest_for

from ..forms import DecidedFilter, DecisionForm, show_refusal
from ..places import WORKERS, Desk, desk_page
from ..selectors import approvals as reads
from ..selectors.case import case_view
from ..selectors.given import Asked
from ..selectors.handover import approved_words
from .rows import case_or_404

DECIDERS = (Role.SUPERVISOR, Role.FINANCE)
READERS = (Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
SAID = {
    "reject": gettext_lazy("Rejected. Whoever asked sees your reason."),
    "pass_up": gettext_lazy("Endorsed. It waits for finance now."),
}


def _approval(desk: Desk, pk: uuid.UUID) -> Approval:
    found = visible_approvals(desk.staff).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _tabs(current: str, waiting: int) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Waiting"),
            "url": reverse("approvals"),
            "current": current == "waiting",
            "count": waiting or "",
        },
        {
            "label": _("Decided"),
            "url": reverse("approvals-decided"),
            "current": current == "decided",
        },
    ]


@require_safe
@desk_page(*READERS)
def approvals(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What waits, the oldest first, with the first one that the person may decide."""
    rows = reads.inbox(desk)
    chosen = next((row for row in rows if row.decidable), rows[0] if rows else None)
    return _inbox(request, desk, rows, chosen.approval if chosen else None)


@require_safe
@desk_page(*READERS)
def approval(request: HttpRequest, desk: Desk, pk: uuid.UUID) -> HttpResponse:
    """One request, waiting or decided, beside those that wait."""
    return _inbox(request, desk, reads.inbox(desk), _approval(desk, pk))


def _inbox(
    request: HttpRequest,
    desk: Desk,
    rows: list[reads.Waiting],
    chosen: Approval | None,
    *,
    form: DecisionForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    pks = [row.approval.pk for row in rows]
    at = pks.index(chosen.pk) if chosen is not None and chosen.pk in pks else -1
    return render(
        request,
        "desk/approvals.html",
        {
            "rows": rows,
            "chosen": chosen,
            "detail": reads.detail(desk, chosen) if chosen is not None else None,
            "previous": rows[at - 1].approval if at > 0 else None,
            "next": rows[at + 1].approval if at + 1 < len(rows) else None,
            "form": form or DecisionForm(),
            "refusal": refusal,
            "tabs": _tabs("waiting", len(rows)),
            "more": len(rows) == reads.MOST,
        },
        status=status,
    )


@post_only("approval", "pk")
@desk_page(*DECIDERS)
def decide(request: HttpRequest, desk: Desk, pk: uuid.UUID) -> HttpResponse:
    """Yes, no, or yes and on to finance; then the next one that waits for the person."""
    row = _approval(desk, pk)
    form = DecisionForm(request.POST)
    refusal: Refusal | None = None
    status = 422
    after = _next(desk, row)
    if form.is_valid():
        decision, reason = form.cleaned_data["decision"], form.cleaned_data["reason"]
        try:
            match decision:
                case "approve":
                    approve(approval=row, by=desk.staff, note=reason)
                case "pass_up":
                    pass_up(approval=row, by=desk.staff, note=reason)
                case _:
                    reject(approval=row, reason=reason, by=desk.staff)
        except Refusal as error:
            status = error.status
            if error.field == "reason":
                show_refusal(form, error)
            else:
                refusal = error
        else:
            said = _approved(row) if decision == "approve" else str(SAID[decision])
            messages.success(request, said)
            return redirect(after)
    # Read again: whoever was first has decided it meanwhile.
    return _inbox(
        request,
        desk,
        reads.inbox(desk),
        _approval(desk, pk),
        form=form,
        refusal=refusal,
        status=status,
    )


def _approved(row: Approval) -> str:
    """What has become of the customer's message, and who sees to one that goes by hand."""
    agent = row.compensation.incident.owner or row.requested_by
    return approved_words(latest_for(row.compensation_id), agent.name)


def _next(desk: Desk, decided: Approval) -> str:
    """The address of the next request for the person after the one they decide."""
    rows = reads.inbox(desk)
    pks = [row.approval.pk for row in rows]
    at = pks.index(decided.pk) if decided.pk in pks else -1
    later = [row for row in [*rows[at + 1 :], *rows[: max(at, 0)]] if row.decidable]
    if not later:
        return reverse("approvals")
    return reverse("approval", args=[later[0].approval.pk])


@require_safe
@desk_page(*READERS)
def approvals_decided(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Requests that wait no more, the newest first, with how they ended."""
    form = DecidedFilter(request.GET)
    filters = form.cleaned_data if form.is_valid() else {}
    rows = list(reads.decided(desk, filters)[: reads.PAGE + 1])
    older = ""
    if len(rows) > reads.PAGE:
        query = request.GET.copy()
        query["before"] = str(rows[reads.PAGE - 1].pk)
        older = f"{request.path}?{query.urlencode()}"
    return render(
        request,
        "desk/approvals_decided.html",
        {
            "rows": [Asked(row, False) for row in rows[: reads.PAGE]],
            "form": form,
            "older": older,
            "tabs": _tabs("decided", 0),
        },
    )


@require_safe
@desk_page(*WORKERS)
def own_requests(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What the person asked for: where it waits, and how it ended."""
    form = DecidedFilter(request.GET)
    before = form.cleaned_data.get("before") if form.is_valid() else None
    rows = reads.own_requests(desk, before)
    older = ""
    if len(rows) > reads.PAGE:
        older = f"{request.path}?before={rows[reads.PAGE - 1].approval.pk}"
    return render(request, "desk/requests.html", {"rows": rows[: reads.PAGE], "older": older})


@post_only("incident", "folio")
@desk_page(*WORKERS)
def withdraw_request(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Takes one's own request back; its room returns."""
    incident = case_or_404(desk, folio)
    row = _approval(desk, pk)
    if row.compensation.incident_id != incident.pk:
        raise Http404
    try:
        withdraw(approval=row, by=desk.staff)
    except NotAllowed:
        raise
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Withdrawn. Its room is free again."))
    return redirect(reverse("incident", args=[incident.folio]) + "#given")


@require_safe
@never_cache
@desk_page()
def request_way(request: HttpRequest, desk: Desk, folio: str, pk: uuid.UUID) -> HttpResponse:
    """Where a request is. Says nothing (204) while it waits; then brings what was given anew."""
    incident = case_or_404(desk, folio)
    row = Approval.objects.filter(pk=pk, compensation__incident=incident).first()
    if row is None:
        raise Http404
    if row.state == ApprovalState.PENDING:
        return HttpResponse(status=204)
    view = case_view(desk, incident)
    answer = render(
        request,
        "desk/_given.html",
        {
            "incident": incident,
            "view": view,
            "rail": view.rail,
            "market_locale": incident.market.locale,
            "token": uuid.uuid4().hex,
        },
    )
    answer["HX-Retarget"] = "#given"
    answer["HX-Reswap"] = "outerHTML"
    return answer
