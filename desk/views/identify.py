"""Giving an imported case its customer: the look-up of intake, or a new one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Market
from common.errors import Refusal, Stale
from common.posting import accepted
from incidents.models import Customer
from incidents.selectors import find_customers, visible_customers

from ..actions import name_customer
from ..forms import IdentifyForm, show_refusal
from ..places import WORKERS, Desk, desk_page
from .intake import contact_line
from .rows import case_or_404


def _found(desk: Desk, market: Market, text: str) -> list[Customer]:
    """Customers of the case's market that fit what was typed; no placeholder is a person."""
    rows = find_customers(desk.staff, text.strip()[:120])
    return [row for row in rows if row.market_id == market.pk and not row.is_unnamed]


@require_http_methods(["GET", "HEAD", "POST"])
@desk_page(*WORKERS)
def identify(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """The customer of a case that came without one. A refusal keeps what was typed."""
    incident = case_or_404(desk, folio)
    if request.method != "POST":
        if not incident.customer.is_unnamed:
            return redirect("incident", folio)
        form = IdentifyForm(market=incident.market, initial={"version": incident.version})
        return render(request, "desk/identify.html", {"incident": incident, "form": form})
    form = IdentifyForm(request.POST, market=incident.market)
    status = 422
    if form.is_valid():
        customer = _picked(desk, incident.market, form)
        if not form.errors:
            try:
                name_customer(
                    incident=incident,
                    customer=customer,
                    new_customer=form.new_customer(),
                    version=form.cleaned_data["version"],
                    by=desk.staff,
                )
            except Refusal as refusal:
                show_refusal(form, refusal, IdentifyForm.NAMES)
                if isinstance(refusal, Stale):
                    # What changed does not concern who complained: sending it again is meant so.
                    status = 409
                    form.data = {**request.POST.dict(), "version": str(refusal.extra["version"])}
            else:
                accepted(request, _("The case has its customer."))
                return redirect("incident", folio)
    text = request.POST.get("customer_text", "")
    picked = bool(request.POST.get("customer"))
    found = [] if picked else _found(desk, incident.market, text)
    return render(
        request,
        "desk/identify.html",
        {
            "incident": incident,
            "form": form,
            "picked": request.POST.get("customer", ""),
            "customer_text": text,
            "found": [(row, contact_line(row)) for row in found],
            "shows_new_customer": not picked and bool(text or request.POST.get("new_name")),
        },
        status=status,
    )


def _picked(desk: Desk, market: Market, form: IdentifyForm) -> Customer | None:
    """The picked customer, or None for a new one."""
    key = form.cleaned_data["customer"]
    if key is None:
        return None
    found = visible_customers(desk.staff).filter(pk=key, market=market).first()
    if found is None:
        form.add_error("customer_text", _("This customer is not in this market."))
    return found


@require_safe
@desk_page(*WORKERS)
def look_up(request: HttpRequest, desk: Desk, folio: str) -> HttpResponse:
    """Rows of the look-up box; the last one creates what was typed."""
    market = case_or_404(desk, folio).market
    text = request.GET.get("customer_text", "").strip()[:120]
    return render(
        request,
        "components/options.html",
        {
            "options": [
                {"value": row.pk, "label": row.name, "detail": contact_line(row)}
                for row in _found(desk, market, text)
            ],
            "create": _("Create “%(text)s” as a new customer") % {"text": text} if text else "",
        },
    )
