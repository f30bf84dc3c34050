"""What these pages share: who asks, an action run for a form, and a page with a form."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from common.errors import NotFound, Refusal

from ..models import Staff

T = TypeVar("T")


def me(request: HttpRequest) -> Staff:
    """The member of staff who asks; the page's decorator has made sure that there is one."""
    assert isinstance(request.user, Staff)
    return request.user


def run(form: forms.Form, act: Callable[[], T]) -> T | None:
    """What the action returns, or None with its refusal beside the field it speaks of."""
    try:
        return act()
    except NotFound as refusal:
        raise Http404 from refusal
    except Refusal as refusal:
        field = refusal.field if refusal.field in form.fields else None
        form.add_error(field, str(refusal.message))
        return None


def done(form: forms.Form, act: Callable[[], object]) -> bool:
    """Whether the action was taken; else its refusal is beside the field it speaks of."""
    return run(form, act) is not None


def tabs(current: str) -> list[dict[str, Any]]:
    """The parts of administration."""
    parts = [
        ("people", _("People")),
        ("teams", _("Teams")),
        ("locations", _("Locations")),
        ("markets", _("Markets")),
        ("api-clients", _("API clients")),
    ]
    return [
        {"label": label, "url": reverse(name), "current": name == current} for name, label in parts
    ]


def form_page(
    request: HttpRequest,
    form: forms.Form,
    *,
    heading: str | Promise,
    back: str,
    back_label: str | Promise,
    submit: str | Promise,
    facts: list[dict[str, Any]] | None = None,
    note: str | Promise = "",
) -> HttpResponse:
    """A page with one form; 422 when it was refused."""
    return render(
        request,
        "accounts/form.html",
        {
            "form": form,
            "heading": heading,
            "back_url": back,
            "back_label": back_label,
            "submit": submit,
            "facts": facts or [],
            "note": note,
        },
        status=422 if form.is_bound else 200,
    )


def secret_page(
    request: HttpRequest, *, heading: str, words: str, secret: str, back: str, back_label: str
) -> HttpResponse:
    """The one page that shows a key or a first password. Kept by no cache and in no session."""
    response = render(
        request,
        "accounts/secret.html",
        {
            "heading": heading,
            "words": words,
            "secret": secret,
            "back_url": back,
            "back_label": back_label,
        },
    )
    response["Cache-Control"] = "no-store"
    return response
