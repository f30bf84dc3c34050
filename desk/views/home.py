"""Where a person lands: their cases, or the page of their role. Also the switch of market."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from accounts.models import Staff
from accounts.permissions import staff_required
from accounts.states import Role
from accounts.workplace import SESSION_KEY
from common.posting import post_only
from compensations.handovers import to_hand_over
from compensations.selectors import room_for
from compensations.states import Measure
from incidents.selectors import due_promises

from ..places import Desk, desk_of, desk_page
from ..selectors import lists
from ..selectors.approvals import own_rows
from .rows import case_row


@require_safe
@staff_required()
def home(request: HttpRequest) -> HttpResponseBase:
    """Agents and supervisors: my cases. Others: the page that is their work."""
    desk = desk_of(request)
    if desk is not None and desk.can_work:
        return my_cases(request)
    if desk is not None:
        return redirect("liability" if desk.holds(Role.FINANCE) else "audit-trail")
    assert isinstance(request.user, Staff)
    roles = request.user.roles
    if Role.CASHIER in roles:
        return redirect("counter")
    if Role.ADMINISTRATOR in roles:
        return redirect("administration")
    raise PermissionDenied


@desk_page()
def my_cases(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The person's open cases by what runs out next, what they owe, and the room they have."""
    rows = lists.my_next(desk)
    waiting = to_hand_over(lists.mine(desk))
    cases = {one.compensation.incident_id for one in waiting}
    rooms = [room for room in room_for(desk.staff, desk.market) if room.measure == Measure.AMOUNT]
    tomorrow = lists.end_of_today(desk)
    owed = [row for row in due_promises(desk.staff, limit=8) if row.market_id == desk.market.pk]
    return render(
        request,
        "desk/home.html",
        {
            "rows": [case_row(row, to_hand_over=row.pk in cases) for row in rows],
            "to_hand_over": waiting,
            "rooms": rooms[:2],
            "promises": owed,
            "end_of_today": tomorrow,
            "counts": lists.home_counts(desk),
            # Whoever has no case of their own is shown what waits for them elsewhere.
            "waiting": lists.waiting_counts(desk) if not rows else {},
            "requests": own_rows(desk),
        },
    )


@post_only("home")
@desk_page()
def switch_market(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Works in another of the person's markets from here on."""
    chosen = next((m for m in desk.markets if str(m.pk) == request.POST.get("market")), None)
    if chosen is not None:
        request.session[SESSION_KEY] = chosen.pk
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = "/"
    return redirect(back)
