"""The palette: people, cases, pages and actions, from one box, in both languages."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override
from django.views.decorators.http import require_safe

from accounts.models import Staff
from accounts.permissions import staff_required
from accounts.states import Role
from incidents.models import Customer, Incident
from incidents.selectors import (
    find_customers,
    folios_meant,
    found_incidents,
    listed,
    visible_incidents,
)

from ..places import READERS, WORKERS
from .intake import contact_line

MOST = 6
LANGUAGES = ("es", "en")


@dataclass(frozen=True, slots=True)
class Place:
    """A page or an action: its name, where it is, and who has it."""

    name: str
    url: str
    roles: tuple[str, ...]


def _places() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Name, further words, address name and roles of what can be found."""
    return [
        (gettext_noop("New incident"), gettext_noop("log complaint"), "incident-new", WORKERS),
        (gettext_noop("My cases"), gettext_noop("start home"), "home", WORKERS),
        (gettext_noop("All cases"), gettext_noop("incidents list"), "incidents", READERS),
        (gettext_noop("Promises"), gettext_noop("calls owed"), "promises", READERS),
        (gettext_noop("Customers"), gettext_noop("people"), "customers", READERS),
        (gettext_noop("New customer"), gettext_noop("create person"), "customer-new", WORKERS),
        (gettext_noop("Counter"), gettext_noop("redeem coupon"), "counter", (Role.CASHIER,)),
        (
            gettext_noop("Administration"),
            gettext_noop("markets locations teams people keys"),
            "administration",
            (Role.ADMINISTRATOR,),
        ),
        (gettext_noop("Preferences"), gettext_noop("language theme"), "preferences", ()),
    ]


def _pages(staff: Staff, text: str) -> list[Place]:
    """Pages whose name or further words, in either language, hold every word typed."""
    words = text.lower().split()
    found = []
    for name, more, address, roles in _places():
        if roles and not staff.roles & set(roles):
            continue
        try:
            url = reverse(address)
        except NoReverseMatch:
            continue
        spoken = [name, more]
        for language in LANGUAGES:
            with override(language):
                spoken += [_(name), _(more)]
        if all(any(word in text.lower() for text in spoken) for word in words):
            found.append(Place(_(name), url, roles))
    return found


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
    pages = _pages(staff, text) if text else []
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
    request: HttpRequest, customers: list[Customer], cases: list[Incident], pages: list[Place]
) -> HttpResponse:
    options = [
        {"value": place.url, "label": place.name, "url": place.url, "group": _("Pages and actions")}
        for place in pages
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
