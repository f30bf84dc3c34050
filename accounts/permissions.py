"""Who may do what, asked of the roles a person holds now.

`require` is for actions, `staff_required` for pages. A role is held in a market; whether one object
may be seen at all is the answer of its app's `visible_to`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

from common.errors import NotAllowed

from .models import Market, Staff

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def require(staff: Staff, market: Market | int, *roles: str) -> None:
    """Raises NotAllowed unless the person holds one of `roles` in the market now."""
    if not staff.has_role(market, *roles):
        raise NotAllowed


def visible_markets(staff: Staff, *roles: str) -> QuerySet[Market]:
    """Markets where the person holds one of `roles`, or any role when none is named."""
    wanted = roles or tuple(staff.roles)
    return Market.objects.filter(pk__in=staff.markets_with(*wanted))


def staff_required(*roles: str) -> Callable[[View[P]], View[P]]:
    """Opens a page to people who hold one of `roles` in some market (any role when none is named).

    Nobody signed in: the sign-in page, and back. Without the role: 403.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            staff = request.user
            if not isinstance(staff, Staff) or not staff.is_active:
                return _to_sign_in(request)
            if roles and not staff.roles & set(roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, which leads back to the page that the person was on."""
    if request.headers.get("HX-Request") == "true":
        # Asked in the background, where a person may be typing: the page says that the session
        # ended and stays, with what was written.
        return HttpResponse(status=401)
    if request.method in {"GET", "HEAD"}:
        return redirect_to_login(request.get_full_path())
    return redirect_to_login(_page_of_form(request))


def _page_of_form(request: HttpRequest) -> str:
    """The page that sent a form, where it is one of ours; else the form's own address."""
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}, request.is_secure()):
        parts = urlsplit(came_from)
        if parts.netloc == request.get_host():
            return urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return request.get_full_path()
