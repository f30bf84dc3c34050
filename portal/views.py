"""The pages a customer opens from a link. Reading only: a GET changes nothing, and POST is refused.

The answer to an unknown, an expired and a revoked link is one and the same. What is shown is put
together in `pages`; the code is read from its ciphertext here and nowhere else on the way.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from accounts import guessing
from accounts.addresses import client_address
from compensations.models import Compensation

from .pages import Page, page_for
from .picture import code_png, qr_svg
from .selectors import compensation_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def _private(view: View[P]) -> View[P]:
    """The answer stays in no cache and no index, and its address travels to nobody."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return inner


@_private
@require_safe
def coupon(request: HttpRequest, token: str) -> HttpResponse:
    """What was granted, its code where one may be shown, and its state."""
    try:
        compensation = _open(request, token)
    except guessing.TooManyFailures as refusal:
        return _wait(request, refusal)
    with translation.override(_language(request, compensation)):
        if compensation is None:
            return render(request, "portal/gone.html", status=404)
        page = _page(request, compensation)
        context = {
            "page": page,
            "qr": qr_svg(page.code) if page.code else "",
            "picture_url": reverse("portal-picture", args=[token]),
        }
        return render(request, "portal/coupon.html", context)


@_private
@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponse:
    """The code as an image to keep. Gone where the page shows no code."""
    try:
        compensation = _open(request, token)
    except guessing.TooManyFailures as refusal:
        return _wait(request, refusal)
    page = _page(request, compensation) if compensation else None
    if page is None or not page.code:
        with translation.override(_language(request, compensation)):
            return render(request, "portal/gone.html", status=404)
    response = HttpResponse(code_png(page.code), content_type="image/png")
    response["Content-Disposition"] = 'attachment; filename="coupon.png"'
    return response


def _open(request: HttpRequest, token: str) -> Compensation | None:
    """What the token opens; one that opens nothing counts against the address.

    Counted apart from the tills, which may share the address, and never held against a link that
    is known: 256 bits are not guessed.
    """
    compensation = compensation_of(token)
    if compensation is None:
        origin = guessing.Origin(address=f"portal {client_address(request)}")
        guessing.check(origin)
        guessing.failed(origin)
    return compensation


def _page(request: HttpRequest, compensation: Compensation) -> Page:
    return page_for(compensation, now=timezone.now(), hide_code=request.user.is_authenticated)


def _language(request: HttpRequest, compensation: Compensation | None) -> str:
    """The one chosen with the switch, else the customer's, else the browser's."""
    chosen = request.GET.get("lang", "")
    if chosen in dict(settings.LANGUAGES):
        return chosen
    if compensation is not None:
        return compensation.customer.language
    return translation.get_language() or settings.LANGUAGE_CODE


def _wait(request: HttpRequest, refusal: guessing.TooManyFailures) -> HttpResponse:
    with translation.override(_language(request, None)):
        response = render(request, "portal/wait.html", status=429)
    response["Retry-After"] = str(refusal.extra["retry_after"])
    return response
