"""API clients: creating, a new key, ending. A key is on one page, once."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.errors import Refusal

from .. import actions
from ..forms import NewClientForm
from ..models import ApiClient
from ..selectors import administered_clients
from ..states import Scope
from .base import form_page, me, run, secret_page, tabs
from .places import administrator, read_or_post


def _key_page(request: HttpRequest, client: ApiClient, key: str) -> HttpResponse:
    return secret_page(
        request,
        heading=client.name,
        words=_("The key of %(name)s. It is shown only now: put it where the client reads it.")
        % {"name": client.name},
        secret=key,
        back=reverse("api-client", args=[client.pk]),
        back_label=client.name,
    )


@require_safe
@administrator
def clients(request: HttpRequest) -> HttpResponse:
    rows = administered_clients(me(request)).order_by("revoked_at", "name")
    return render(
        request,
        "accounts/clients.html",
        {"rows": rows, "tabs": tabs("api-clients"), "now": timezone.now()},
    )


@read_or_post
@administrator
def new_client(request: HttpRequest) -> HttpResponse:
    form = NewClientForm(request.POST or None, by=me(request))
    if form.is_valid():
        made = run(form, lambda: actions.create_api_client(**form.cleaned_data, by=me(request)))
        if made is not None:
            return _key_page(request, *made)
    return form_page(
        request,
        form,
        heading=_("New API client"),
        back=reverse("api-clients"),
        back_label=_("API clients"),
        submit=_("Create the client"),
        note=_("Its key is shown once, on the next page."),
    )


@require_safe
@administrator
def client(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(administered_clients(me(request)), pk=pk)
    labels = dict(Scope.choices)
    return render(
        request,
        "accounts/client.html",
        {
            "client": row,
            "scopes": [labels.get(scope, scope) for scope in row.scopes],
            "now": timezone.now(),
            "tabs": tabs("api-clients"),
        },
    )


@require_POST
@administrator
def rotate(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(administered_clients(me(request)), pk=pk)
    try:
        key = actions.rotate_api_client_key(client=row, by=me(request))
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("api-client", pk=row.pk)
    return _key_page(request, row, key)


@require_POST
@administrator
def revoke(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(administered_clients(me(request)), pk=pk)
    try:
        actions.revoke_api_client(client=row, by=me(request))
        messages.success(request, _("The key of %(name)s opens nothing now.") % {"name": row.name})
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("api-client", pk=row.pk)
