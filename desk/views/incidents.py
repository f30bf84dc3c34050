"""The list of cases, and taking several of them over at once."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Location
from accounts.selectors import visible_locations
from common.errors import Refusal
from common.posting import post_only
from incidents.actions import change_incident
from incidents.models import Incident
from incidents.selectors import (
    Page,
    categories_for,
    counted_page,
    found_page,
    visible_incidents,
)

from ..filters import ListAddress, read_address
from ..places import WORKERS, Desk, desk_page
from ..selectors import lists
from .rows import case_row

BULK_MOST = 50


def _address(request: HttpRequest, desk: Desk) -> ListAddress:
    locations: list[Location] = list(
        visible_locations(desk.staff).filter(market=desk.market, is_active=True)
    )
    return read_address(
        desk,
        request.path,
        request.GET,
        categories=categories_for(desk.market),
        locations=locations,
    )


def _counted(address: ListAddress) -> tuple[Page[Incident], int, bool]:
    """The page, and how many cases there are: "1,000+" from a thousand on."""
    if address.values.get("view") in lists.BY_DEADLINE:
        rows = address.narrowed()
        if address.text:
            rows = rows.filter(pk__in=address.found())
        return lists.by_deadline(rows)
    if address.text:
        return found_page(address.found(), after=address.after, before=address.before)
    return counted_page(address.narrowed(), after=address.after, before=address.before)


@require_safe
@desk_page()
def incident_list(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Cases of the market; the address is the state of the list."""
    address = _address(request, desk)
    page, count, more = _counted(address)
    return render(
        request,
        "desk/incidents.html",
        {
            "rows": [case_row(row) for row in page.rows],
            "address": address,
            "menus": address.menus(),
            "views": address.views(lists.view_counts(desk)),
            "total": f"{count:,}+" if more else f"{count:,}",
            "previous_url": address.url(before=str(page.before)) if page.before else "",
            "next_url": address.url(after=str(page.after)) if page.after else "",
            "can_work": desk.can_work,
        },
    )


def _keys(request: HttpRequest) -> list[uuid.UUID]:
    """The marked cases; anything that is not a key is left out."""
    keys = []
    for text in request.POST.getlist("case")[:BULK_MOST]:
        try:
            keys.append(uuid.UUID(text))
        except ValueError:
            continue
    return keys


def _take_over(incident: Incident, desk: Desk) -> tuple[Incident, str]:
    """Makes the person the owner; returns why not where it is refused."""
    if incident.owner_id == desk.staff.pk:
        return incident, _("Yours already")
    try:
        change_incident(
            incident=incident, version=incident.version, owner=desk.staff, by=desk.staff
        )
    except Refusal as refusal:
        return incident, str(refusal)
    return incident, ""


@post_only("incidents")
@desk_page(*WORKERS)
def take_over(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Marked cases become the person's: first what will happen, then the result of each row."""
    rows = list(
        visible_incidents(desk.staff)
        .filter(pk__in=_keys(request), market__in=desk.staff.markets_with(*WORKERS))
        .select_related("customer", "category", "owner", "market")
        .order_by("-id")
    )
    if not rows:
        return redirect("incidents")
    if "confirmed" not in request.POST:
        return render(request, "desk/take_over.html", {"rows": [(row, "") for row in rows]})
    results = [_take_over(row, desk) for row in rows]
    return render(request, "desk/take_over.html", {"rows": results, "done": True})
