"""The palette: people, cases, pages and actions, from one box, in both languages."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Staff
from accounts.permissions import staff_required
from incidents.models import Customer, Incident
from incidents.selectors import (
    find_customers,
    folios_meant,
    found_incidents,
    listed,
    visible_incidents,
)

from ..pages import Page, named_pages, offered
from ..places import READERS, desk_of
from .intake import contact_line

MOST = 6


def _cases(staff: Staff, text: str) -> list[Incident]:
    found = found_incidents(visible_incidents(staff), text)
    return listed(sorted(found, reverse=True)[:MOST])


@require_safe
@staff_required()
def find(request: HttpRequest) -> HttpResponseBase:
    """Rows for the palette while typing; a page with the same when it is sent."""
    staff = request.user
    assert isinstance(staff, Staff)
    text = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:120]
    customers: list[Customer] = []
    cases: list[Incident] = []
    if text and staff.roles & set(READERS):
        customers = find_customers(staff, text, limit=MOST)
        cases = _cases(staff, text)
    named = named_pages(text)
    pages = offered(named, staff, desk_of(request))[:MOST] if named else []
    if request.headers.get("HX-Request") == "true":
        return _rows(request, customers, cases, pages)
    if len(cases) == 1 and cases[0].folio in folios_meant(text):
        return redirect("incident", cases[0].folio)
    return render(
        request,
        "desk/find.html",
        {
            "text": text,
            "customers": [(row, contact_line(row)) for row in customers],
            "cases": cases,
            "pages": pages,
        },
    )


def _rows(
    request: HttpRequest, customers: list[Customer], cases: list[Incident], pages: list[Page]
) -> HttpResponse:
    options = [
        {"value": page.url, "label": page.label, "url": page.url, "group": _("Pages and actions")}
        for page in pages
    ]
    options += [
        {
            "value": str(row.pk),
            "label": row.name,
            "detail": contact_line(row),
            "url": reverse("customer", args=[row.pk]),
            "group": _("Customers"),
        }
        for row in customers
    ]
    options += [
        {
            "value": row.folio,
            "label": row.folio,
            "detail": f"{row.category.name} · {row.customer.name}",
            "url": reverse("incident", args=[row.folio]),
            "group": _("Cases"),
        }
        for row in cases
    ]
    return render(request, "components/options.html", {"options": options})
