"""Markets, locations and teams."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from .. import actions
from ..forms import (
    LocationForm,
    MarketForm,
    NewLocationForm,
    NewMarketForm,
    NewTeamForm,
    TeamForm,
)
from ..models import Location, Team
from ..permissions import staff_required
from ..selectors import administered_markets
from ..states import Role
from .base import done, form_page, me, run, tabs

administrator = staff_required(Role.ADMINISTRATOR)
read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@administrator
def administration(request: HttpRequest) -> HttpResponse:
    """Administration opens on people."""
    return redirect("people")


@require_safe
@administrator
def markets(request: HttpRequest) -> HttpResponse:
    rows = administered_markets(me(request)).annotate(
        places=Count("locations", filter=Q(locations__is_active=True), distinct=True),
        groups=Count("teams", filter=Q(teams__is_active=True), distinct=True),
    )
    return render(request, "accounts/markets.html", {"rows": rows, "tabs": tabs("markets")})


@read_or_post
@administrator
def new_market(request: HttpRequest) -> HttpResponse:
    form = NewMarketForm(request.POST or None, by=me(request))
    if form.is_valid():
        market = run(form, lambda: actions.create_market(**form.cleaned_data, by=me(request)))
        if market is not None:
            messages.success(request, _("%(name)s was created.") % {"name": market.name})
            return redirect("markets")
    return form_page(
        request,
        form,
        heading=_("New market"),
        back=reverse("markets"),
        back_label=_("Markets"),
        submit=_("Create the market"),
    )


@read_or_post
@administrator
def market(request: HttpRequest, code: str) -> HttpResponse:
    row = get_object_or_404(administered_markets(me(request)), code=code)
    names = list(MarketForm.base_fields)
    form = MarketForm(request.POST or None, initial={name: getattr(row, name) for name in names})
    if form.is_valid() and done(
        form, lambda: actions.change_market(market=row, by=me(request), **form.cleaned_data)
    ):
        messages.success(request, _("%(name)s was saved.") % {"name": form.cleaned_data["name"]})
        return redirect("market", code=row.code)
    return form_page(
        request,
        form,
        heading=row.name,
        back=reverse("markets"),
        back_label=_("Markets"),
        submit=_("Save"),
        facts=[
            {"label": _("Code"), "value": row.code},
            {"label": _("Country"), "value": row.country},
            {"label": _("Currency"), "value": row.currency},
            {"label": _("Time zone"), "value": row.time_zone},
        ],
    )


@require_safe
@administrator
def locations(request: HttpRequest) -> HttpResponse:
    rows = Location.objects.filter(market__in=administered_markets(me(request))).select_related(
        "market"
    )
    return render(
        request,
        "accounts/locations.html",
        {"rows": rows.order_by("-is_active", "name"), "tabs": tabs("locations")},
    )


@read_or_post
@administrator
def new_location(request: HttpRequest) -> HttpResponse:
    form = NewLocationForm(request.POST or None, by=me(request))
    if form.is_valid():
        row = run(form, lambda: actions.create_location(**form.cleaned_data, by=me(request)))
        if row is not None:
            messages.success(request, _("%(name)s was created.") % {"name": row.name})
            return redirect("locations")
    return form_page(
        request,
        form,
        heading=_("New location"),
        back=reverse("locations"),
        back_label=_("Locations"),
        submit=_("Create the location"),
    )


@read_or_post
@administrator
def location(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(
        Location.objects.filter(market__in=administered_markets(me(request))).select_related(
            "market"
        ),
        pk=pk,
    )
    form = LocationForm(
        request.POST or None,
        initial={"name": row.name, "kind": row.kind, "is_active": row.is_active},
    )
    if form.is_valid() and done(
        form, lambda: actions.change_location(location=row, by=me(request), **form.cleaned_data)
    ):
        messages.success(request, _("%(name)s was saved.") % {"name": form.cleaned_data["name"]})
        return redirect("locations")
    return form_page(
        request,
        form,
        heading=row.name,
        back=reverse("locations"),
        back_label=_("Locations"),
        submit=_("Save"),
        facts=[
            {"label": _("Market"), "value": row.market.name},
            {"label": _("Code"), "value": row.code},
        ],
    )


@require_safe
@administrator
def teams(request: HttpRequest) -> HttpResponse:
    rows = (
        Team.objects.filter(market__in=administered_markets(me(request)))
        .select_related("market")
        .prefetch_related("supervisors")
        .annotate(people=Count("members", filter=Q(members__is_active=True), distinct=True))
        .order_by("-is_active", "name")
    )
    return render(request, "accounts/teams.html", {"rows": rows, "tabs": tabs("teams")})


@read_or_post
@administrator
def new_team(request: HttpRequest) -> HttpResponse:
    form = NewTeamForm(request.POST or None, by=me(request))
    if form.is_valid():
        row = run(form, lambda: actions.create_team(**form.cleaned_data, by=me(request)))
        if row is not None:
            messages.success(request, _("%(name)s was created.") % {"name": row.name})
            return redirect("team", pk=row.pk)
    return form_page(
        request,
        form,
        heading=_("New team"),
        back=reverse("teams"),
        back_label=_("Teams"),
        submit=_("Create the team"),
    )


@read_or_post
@administrator
def team(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(
        Team.objects.filter(market__in=administered_markets(me(request))).select_related("market"),
        pk=pk,
    )
    form = TeamForm(
        request.POST or None,
        by=me(request),
        team=row,
        initial={
            "name": row.name,
            "is_active": row.is_active,
            "supervisors": list(row.supervisors.all()),
        },
    )
    if form.is_valid() and done(
        form, lambda: actions.save_team(team=row, by=me(request), **form.cleaned_data)
    ):
        messages.success(request, _("%(name)s was saved.") % {"name": form.cleaned_data["name"]})
        return redirect("teams")
    return form_page(
        request,
        form,
        heading=row.name,
        back=reverse("teams"),
        back_label=_("Teams"),
        submit=_("Save"),
        facts=[{"label": _("Market"), "value": row.market.name}],
    )
