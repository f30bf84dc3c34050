"""People and their roles."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.errors import Refusal

from .. import actions
from ..forms import EndRoleForm, MoveForm, NewPersonForm, PersonForm, RoleForm
from ..keys import new_password
from ..models import RoleGrant, Staff
from ..selectors import administered_markets, administered_staff, roles_held
from ..states import Role
from .base import done, form_page, me, run, secret_page, tabs
from .places import administrator, read_or_post

PAGE = 50


def _find(rows: QuerySet[Staff], request: HttpRequest) -> QuerySet[Staff]:
    text = request.GET.get("q", "").strip()[:80]
    if text:
        rows = rows.filter(
            Q(name__unaccent__icontains=text)
            | Q(username__icontains=text)
            | Q(email__icontains=text)
        )
    if (role := request.GET.get("role", "")) in Role.values:
        rows = rows.filter(
            pk__in=RoleGrant.objects.filter(
                role=role, ended_at=None, market__in=administered_markets(me(request))
            ).values("staff")
        )
    return rows


def _after(rows: QuerySet[Staff], request: HttpRequest) -> QuerySet[Staff]:
    """Rows that come after the person named by `after`, in the list's order."""
    try:
        last = rows.filter(pk=uuid.UUID(request.GET.get("after", ""))).first()
    except ValueError:
        return rows
    if last is None:
        return rows
    return rows.filter(Q(name__gt=last.name) | Q(name=last.name, pk__gt=last.pk))


@require_safe
@administrator
def people(request: HttpRequest) -> HttpResponse:
    by = me(request)
    held = RoleGrant.objects.filter(
        ended_at=None, market__in=administered_markets(by)
    ).select_related("market")
    found = _find(administered_staff(by), request)
    rows = list(
        _after(found, request)
        .select_related("team")
        .prefetch_related(Prefetch("role_grants", queryset=held, to_attr="held"))
        .order_by("name", "pk")[: PAGE + 1]
    )
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    query: dict[str, str] = {
        name: str(request.GET[name]) for name in ("q", "role") if request.GET.get(name)
    }
    return render(
        request,
        "accounts/people.html",
        {
            "rows": rows,
            "tabs": tabs("people"),
            "q": request.GET.get("q", ""),
            "roles": [
                {
                    "label": label,
                    "url": "?" + urlencode({**query, "role": value}),
                    "current": request.GET.get("role") == value,
                }
                for value, label in Role.choices
            ],
            "role": request.GET.get("role", ""),
            "next_url": "?" + urlencode({**query, "after": str(rows[-1].pk)}) if more else "",
            "first_url": "?" + urlencode(query) if request.GET.get("after") else "",
        },
    )


@read_or_post
@administrator
def new_person(request: HttpRequest) -> HttpResponse:
    form = NewPersonForm(request.POST or None, by=me(request))
    if form.is_valid():
        password = new_password()
        row = run(
            form,
            lambda: actions.create_staff(**form.cleaned_data, password=password, by=me(request)),
        )
        if row is not None:
            return secret_page(
                request,
                heading=row.name,
                words=_("The first password of %(name)s. It is shown only now.")
                % {"name": row.username},
                secret=password,
                back=reverse("person", args=[row.pk]),
                back_label=row.name,
            )
    return form_page(
        request,
        form,
        heading=_("New person"),
        back=reverse("people"),
        back_label=_("People"),
        submit=_("Create the person"),
        note=_("A first password is made and shown once."),
    )


def _person(request: HttpRequest, pk: uuid.UUID) -> Staff:
    return get_object_or_404(administered_staff(me(request)).select_related("team"), pk=pk)


def _person_page(
    request: HttpRequest,
    row: Staff,
    *,
    form: PersonForm | None = None,
    role_form: RoleForm | None = None,
    move_form: MoveForm | None = None,
) -> HttpResponse:
    by = me(request)
    mine = set(by.markets_with(Role.ADMINISTRATOR))
    shown = {"name": row.name, "email": row.email, "phone": row.phone, "location": row.location_id}
    refused = any(one is not None for one in (form, role_form, move_form))
    return render(
        request,
        "accounts/person.html",
        {
            "person": row,
            "is_self": row.pk == by.pk,
            "whole": set(row.role_map) <= mine,
            "held": roles_held(row).filter(market__in=mine),
            "form": form or PersonForm(by=by, staff=row, initial=shown),
            "role_form": role_form or RoleForm(by=by),
            "move_form": move_form or MoveForm(by=by, staff=row, initial={"team": row.team_id}),
            "tabs": tabs("people"),
        },
        status=422 if refused else 200,
    )


@read_or_post
@administrator
def person(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = _person(request, pk)
    if request.method != "POST":
        return _person_page(request, row)
    form = PersonForm(request.POST, by=me(request), staff=row)
    if form.is_valid() and done(
        form, lambda: actions.change_staff(staff=row, by=me(request), **form.cleaned_data)
    ):
        messages.success(request, _("%(name)s was saved.") % {"name": form.cleaned_data["name"]})
        return redirect("person", pk=row.pk)
    return _person_page(request, row, form=form)


@require_POST
@administrator
def grant_role(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = _person(request, pk)
    form = RoleForm(request.POST, by=me(request))
    if form.is_valid() and done(
        form, lambda: actions.grant_role(staff=row, by=me(request), **form.cleaned_data)
    ):
        messages.success(request, _("The role holds from now on."))
        return redirect("person", pk=row.pk)
    return _person_page(request, row, role_form=form)


@require_POST
@administrator
def end_role(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = _person(request, pk)
    form = EndRoleForm(request.POST, by=me(request), staff=row)
    if form.is_valid() and done(
        form, lambda: actions.end_role(grant=form.cleaned_data["grant"], by=me(request))
    ):
        messages.success(request, _("The role has ended."))
    else:
        for words in form.errors.values():
            messages.error(request, str(words[0]))
    return redirect("person", pk=row.pk)


@require_POST
@administrator
def move(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = _person(request, pk)
    form = MoveForm(request.POST, by=me(request), staff=row)
    if form.is_valid() and done(
        form,
        lambda: actions.move_to_team(staff=row, team=form.cleaned_data["team"], by=me(request)),
    ):
        messages.success(request, _("The team was changed."))
        return redirect("person", pk=row.pk)
    return _person_page(request, row, move_form=form)


@require_POST
@administrator
def activity(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Deactivates a person, or lets them in again: `active` says which."""
    row = _person(request, pk)
    try:
        if request.POST.get("active") == "yes":
            actions.reactivate_staff(staff=row, by=me(request))
            messages.success(request, _("%(name)s may sign in again.") % {"name": row.name})
        else:
            actions.deactivate_staff(staff=row, by=me(request))
            messages.success(request, _("%(name)s is out, keys included.") % {"name": row.name})
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("person", pk=row.pk)


@require_POST
@administrator
def password(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = _person(request, pk)
    secret = new_password()
    try:
        actions.set_new_password(staff=row, password=secret, by=me(request))
    except Refusal as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    return secret_page(
        request,
        heading=row.name,
        words=_("The new password of %(name)s. It is shown only now; their sessions have ended.")
        % {"name": row.username},
        secret=secret,
        back=reverse("person", args=[row.pk]),
        back_label=row.name,
    )
