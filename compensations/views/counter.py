"""The counter: a cashier checks a code, redeems it, and may undo it while the window is open.

A code arrives in the body of one POST and goes no further: what was checked stays on the server,
see `checked`. Whether anything may be done is decided by the actions.
"""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Location, Market, Staff
from accounts.permissions import staff_required
from accounts.states import Role
from common.errors import Refusal
from common.windows import local_date

from .. import codes
from ..actions import redeem, reverse, validate_coupon
from ..forms import AmountForm, CodeForm, PlaceForm
from ..guesses import guarded, origin_of
from ..models import Redemption
from ..refusals import CouponNotValid
from ..tills import counter_locations
from ..unusable import why_code_unusable, why_unusable
from . import checked

PLACE = "counter_place"
RECENT = 5

_get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def _cashier(request: HttpRequest) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user


def _render(
    request: HttpRequest, name: str, context: dict[str, Any], market: Market | None, status: int
) -> HttpResponse:
    """The page with times and amounts as the market has them."""
    zone = ZoneInfo(market.time_zone) if market else None
    context["market_locale"] = market.locale if market else ""
    with timezone.override(zone):
        return render(request, f"compensations/{name}.html", context, status=status)


def _place(request: HttpRequest) -> Location | None:
    """Where the cashier works: chosen in this session, else their own, else the only one."""
    places = {place.pk: place for place in counter_locations(_cashier(request))}
    for key in (request.session.get(PLACE), _cashier(request).location_id):
        if key in places:
            return places[key]
    return next(iter(places.values())) if len(places) == 1 else None


@never_cache
@staff_required(Role.CASHIER)
@_get_or_post
def place(request: HttpRequest) -> HttpResponse:
    """Choosing where one works, for those who work in several places."""
    here = _place(request)
    form = PlaceForm(request.POST if request.method == "POST" else None, cashier=_cashier(request))
    if form.is_valid():
        request.session[PLACE] = form.cleaned_data["location"].pk
        checked.forget(request)
        return redirect("counter")
    places = [(item, item == here) for item in counter_locations(_cashier(request))]
    status = 422 if form.errors else 200
    return _render(request, "counter_place", {"form": form, "places": places}, None, status)


@never_cache
@staff_required(Role.CASHIER)
@_get_or_post
def scan(request: HttpRequest) -> HttpResponse:
    """The field for a code, and the cashier's last redemptions."""
    here = _place(request)
    if here is None:
        return redirect("counter-place")
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_valid():
        try:
            _check(request, form.cleaned_data["code"], here)
        except Refusal as refusal:
            form.add_error("code", str(refusal))
            status = refusal.status
        else:
            return redirect("counter-coupon")
    elif form.errors:
        status = 422
    context = {
        "form": form,
        "place": here,
        "recent": _recent(_cashier(request)),
        "today": local_date(timezone.now(), here.market.time_zone).isoformat(),
    }
    page = _render(request, "counter", context, here.market, status)
    page["Permissions-Policy"] = "camera=(self)"
    return page


def _check(request: HttpRequest, code: str, here: Location) -> None:
    """Validates the code and keeps what was found. Raises Refusal."""
    cashier = _cashier(request)
    origin = origin_of(request, cashier, here)
    try:
        with guarded(origin, code=code, market=here.market):
            found = validate_coupon(code=code, market=here.market, location=here, by=cashier)
    except CouponNotValid as refusal:
        # Told once the failure is counted, so that whoever guesses is stopped as before.
        raise _with(why_code_unusable(code, here), refusal) from refusal
    checked.keep(request, found.coupon_id)


def _with(reason: str, refusal: CouponNotValid) -> CouponNotValid:
    """The refusal with the reason that a cashier may hear, where there is one."""
    return CouponNotValid(reason or refusal.message, field=refusal.field)


def _recent(cashier: Staff) -> list[Redemption]:
    """The cashier's last redemptions, newest first."""
    rows = Redemption.objects.filter(cashier=cashier).order_by("-id")
    return list(rows.select_related("market", "coupon__compensation__offer")[:RECENT])


@never_cache
@staff_required(Role.CASHIER)
@_get_or_post
def coupon(request: HttpRequest) -> HttpResponse:
    """What the checked code is worth; POST redeems it."""
    here = _place(request)
    found = checked.current(request)
    name = checked.name_in(request.POST.get("reference", "")) if request.method == "POST" else None
    if here is None or found is None or (request.method == "POST" and name != found.name):
        return _not_this_check(request, name, replaced=found is not None)
    form = AmountForm(
        request.POST if name and found.coupon.keeps_balance else None,
        currency=found.coupon.currency,
        locale=here.market.locale,
    )
    problem = ""
    if name and (not found.coupon.keeps_balance or form.is_valid()):
        amount = form.cleaned_data["amount"] if found.coupon.keeps_balance else None
        try:
            done = _redeem(request, found, here, amount)
        except Refusal as refusal:
            problem = str(refusal)
        else:
            return redirect("counter-redemption", pk=done.pk)
    last_moment = found.coupon.expires_at - dt.timedelta(microseconds=1)
    context = {
        "form": form,
        "place": here,
        "coupon": found.coupon,
        "offer": found.coupon.compensation.offer,
        "reference": found.reference,
        "last_day": local_date(last_moment, here.market.time_zone),
        "problem": problem,
    }
    status = 422 if problem or form.errors else 200
    return _render(request, "counter_coupon", context, here.market, status)


def _not_this_check(request: HttpRequest, name: str | None, *, replaced: bool) -> HttpResponse:
    """To what the page has already done, or back to the start with the reason.

    `name` is of the page's check, None where that is too old; `replaced` says that this session
    has another check now.
    """
    done = checked.made_by(name, _cashier(request)) if name else None
    if done is not None:
        return redirect("counter-redemption", pk=done.pk)
    if request.method == "POST":
        messages.warning(request, _why_over(name, replaced=replaced))
    return redirect("counter")


def _why_over(name: str | None, *, replaced: bool) -> str:
    """Why a page's check no longer holds: its time, or what this session did since."""
    if name is None:
        return _("This check is too old. Scan the code again.")
    if replaced:
        return _(
            "Another code was checked after this one, perhaps in another tab, and only the last "
            "check counts. Scan this code again."
        )
    return _(
        "This check has ended: after it another coupon was redeemed or the place was changed. "
        "Scan the code again."
    )


def _redeem(
    request: HttpRequest, found: checked.Checked, here: Location, amount_minor: int | None
) -> Redemption:
    """Redeems what was checked, once per check. Raises Refusal."""
    # From its ciphertext straight to the action: the code passes no page.
    code = codes.read_code(found.coupon)
    try:
        if code is None:
            raise CouponNotValid
        done = redeem(
            code=code,
            external_transaction_id=found.transaction,
            market=here.market,
            location=here,
            amount_minor=amount_minor,
            by=_cashier(request),
        )
    except CouponNotValid as refusal:
        # Good when it was checked: another till was faster, or the code was withdrawn since.
        raise _with(why_unusable(found.coupon, here), refusal) from refusal
    checked.forget(request)
    return done


@never_cache
@staff_required(Role.CASHIER)
@_get_or_post
def redemption(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One of the cashier's own redemptions; POST undoes it while its window is open."""
    rows = Redemption.objects.select_related("market", "location", "coupon__compensation__offer")
    row = rows.filter(pk=pk, cashier=_cashier(request)).first()
    if row is None:
        raise Http404
    problem = ""
    if request.method == "POST":
        try:
            reverse(
                external_transaction_id=row.external_transaction_id,
                market=row.market,
                by=_cashier(request),
            )
        except Refusal as refusal:
            problem = str(refusal)
        else:
            return redirect("counter-redemption", pk=row.pk)
    undo_until = row.created_at + dt.timedelta(minutes=row.market.undo_minutes)
    context = {
        "row": row,
        "place": row.location,
        "offer": row.coupon.compensation.offer,
        "undo_until": undo_until,
        "can_undo": row.reversed_at is None and timezone.now() <= undo_until,
        "problem": problem,
    }
    return _render(request, "counter_redemption", context, row.market, 422 if problem else 200)
