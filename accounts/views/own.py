"""One's own preferences and API keys, and the language switch that visitors use too."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.errors import Refusal

from .. import actions
from ..forms import LanguageForm, PreferencesForm, TokenForm
from ..middleware import signed_in
from ..permissions import staff_required
from ..selectors import own_tokens
from .base import done, me, run, secret_page
from .places import read_or_post

YEAR = 365 * 24 * 3600


def _remember_language(response: HttpResponse, language: str) -> HttpResponse:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switches the reader's language and goes back; a signed-in person's choice is kept."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return redirect(target)
    language = form.cleaned_data["language"]
    staff = signed_in(request)
    if staff is not None:
        actions.change_preferences(by=staff, language=language)
    return _remember_language(redirect(target), language)


def _page(
    request: HttpRequest, form: PreferencesForm, token_form: TokenForm, status: int
) -> HttpResponse:
    return render(
        request,
        "accounts/preferences.html",
        {
            "form": form,
            "token_form": token_form,
            "tokens": own_tokens(me(request)),
            "now": timezone.now(),
        },
        status=status,
    )


def _preferences_form(request: HttpRequest) -> PreferencesForm:
    staff = me(request)
    return PreferencesForm(
        initial={
            "language": staff.language,
            "theme": staff.theme,
            "single_keys": staff.single_keys,
        }
    )


@read_or_post
@staff_required()
def preferences(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, _preferences_form(request), TokenForm(), 200)
    form = PreferencesForm(request.POST)
    if form.is_valid() and done(
        form, lambda: actions.change_preferences(by=me(request), **form.cleaned_data)
    ):
        if request.headers.get("X-Requested-With") == "fetch":
            # The menu's switches show their own effect; a notice would come a page too late.
            return HttpResponse(status=204)
        with translation.override(form.cleaned_data["language"]):
            messages.success(request, _("Your preferences were saved."))
        return _remember_language(redirect("preferences"), form.cleaned_data["language"])
    return _page(request, form, TokenForm(), 422)


@require_POST
@staff_required()
def new_token(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if form.is_valid():
        made = run(
            form,
            lambda: actions.create_access_token(
                staff=me(request), by=me(request), valid_days=form.cleaned_data["valid_days"]
            ),
        )
        if made is not None:
            return secret_page(
                request,
                heading=_("Your new API key"),
                words=_("It acts as you, and is shown only now."),
                secret=made[1],
                back=reverse("preferences"),
                back_label=_("Preferences"),
            )
    return _page(request, _preferences_form(request), form, 422)


@require_POST
@staff_required()
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(own_tokens(me(request)), pk=pk)
    try:
        actions.revoke_access_token(token=token, by=me(request))
        messages.success(request, _("The key opens nothing now."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("preferences")
