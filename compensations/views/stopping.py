"""The stop switch of a market: its state, who used it and why; the switch itself for finance."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Market
from accounts.states import Role
from accounts.workplace import Workplace, workplace_page
from common.errors import NotAllowed, NotFound, Refusal
from common.windows import local_date, window_end

from ..actions import resume_issuance, stop_issuance
from ..book import Moved, moved
from ..forms import WhyForm
from ..states import Account, LedgerEvent
from ..stops import STOPPED, history

SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@workplace_page(Role.FINANCE, Role.AUDITOR)
def stop_switch(request: HttpRequest, here: Workplace) -> HttpResponse:
    """Stops or resumes the market's compensations; auditors read."""
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act = resume_issuance if request.POST.get("act") == "resume" else stop_issuance
        try:
            market = act(market=here.market, reason=form.cleaned_data["reason"], by=here.staff)
        except (NotAllowed, NotFound):
            raise
        except Refusal as refusal:
            form.add_error("reason" if refusal.field else None, str(refusal))
        else:
            if market.issuance_stopped_at is not None:
                messages.success(request, _("Stopped. Nothing more is granted in this market."))
            else:
                messages.success(request, _("Compensations can be granted again."))
            return redirect("stop-switch")
    market = Market.objects.select_related("issuance_stopped_by").get(pk=here.market.pk)
    past = list(history(market)[:SHOWN])
    return render(
        request,
        "compensations/stop.html",
        {
            "here": here,
            "market": market,
            "form": form,
            "past": past,
            "stopped_act": STOPPED,
            "why": next((row.reason for row in past if row.act == STOPPED), ""),
            "today": _granted_today(market),
            "may_switch": here.holds(Role.FINANCE),
        },
        status=422 if form.is_bound and form.errors else 200,
    )


def _granted_today(market: Market) -> Moved:
    """What the market's local day has given so far; `entries` are grants."""
    today = local_date(timezone.now(), market.time_zone)
    (row,) = moved(
        market,
        today,
        window_end("day", today),
        accounts=[Account.GOODWILL, Account.STATUTORY],
        events=[LedgerEvent.ISSUE],
    )
    return row
