"""What is owed to customers: the list, and saying that a promise was kept, broken or cancelled."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common.errors import Refusal
from common.posting import post_only
from incidents.actions import break_promise, cancel_promise, keep_promise
from incidents.models import Promise
from incidents.selectors import visible_incidents

from ..places import WORKERS, Desk, desk_page
from ..selectors import lists

MOST = 100


@require_safe
@desk_page()
def promise_list(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Promises still owed, the first to run out first: the person's own, or the whole market's."""
    whose = request.GET.get("whose", "mine" if desk.can_work else "all")
    rows = lists.promises(desk)
    if whose == "mine":
        rows = rows.filter(owner=desk.staff)
    elif whose == "team":
        rows = rows.filter(incident__team__in=lists.team_ids(desk))
    today = request.GET.get("by") == "today"
    if today:
        rows = rows.filter(due_at__lt=lists.end_of_today(desk))
    found = list(
        rows.select_related(
            "incident__customer", "incident__category", "incident__market", "owner"
        ).order_by("due_at")[:MOST]
    )
    tabs = [
        {"label": label, "url": f"{request.path}?whose={name}", "current": whose == name}
        for name, label in (("mine", _("Mine")), ("team", _("My team")), ("all", _("All")))
        if desk.can_work or name == "all"
    ]
    return render(
        request,
        "desk/promises.html",
        {
            "promises": found,
            "tabs": tabs,
            "now": timezone.now(),
            "whose": whose,
            "today": today,
        },
    )


@post_only("promises")
@desk_page(*WORKERS)
def end_promise(request: HttpRequest, desk: Desk, pk: uuid.UUID) -> HttpResponse:
    """Kept, broken or cancelled. Asked twice, the second is harmless."""
    promise = (
        Promise.objects.filter(pk=pk, incident__in=visible_incidents(desk.staff))
        .select_related("incident")
        .first()
    )
    if promise is None:
        raise Http404
    reason = request.POST.get("reason", "")[:500]
    try:
        match request.POST.get("end"):
            case "kept":
                keep_promise(promise=promise, by=desk.staff)
                messages.success(request, _("Promise kept."))
            case "broken":
                break_promise(promise=promise, reason=reason, by=desk.staff)
                messages.success(request, _("Noted as broken."))
            case "cancelled":
                cancel_promise(promise=promise, reason=reason, by=desk.staff)
                messages.success(request, _("Promise cancelled."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        return redirect("incident", promise.incident.folio)
    return redirect(back)
