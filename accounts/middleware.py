"""The reader's language and theme, before any view runs.

A signed-in person's own choice wins; a visitor's cookie or browser decides otherwise. A request
that carries a key reads no session: it costs a till no query.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from .models import Staff
from .states import Theme

GetResponse = Callable[[HttpRequest], HttpResponse]


def carries_key(request: HttpRequest) -> bool:
    """Whether the caller signs in with a key in the Authorization header."""
    # As the server hands it over: a table of all headers costs a till more than its sign-in.
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    return header[:7].lower() == "bearer "


def signed_in(request: HttpRequest) -> Staff | None:
    """The member of staff of the session, without touching it where there is none."""
    if carries_key(request) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    return request.user if isinstance(request.user, Staff) else None


class ReaderLanguageMiddleware:
    """Activates the reader's language for the request and sets `request.theme`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        staff = signed_in(request)
        language = staff.language if staff else translation.get_language_from_request(request)
        request.theme = staff.theme if staff else Theme.AUTO  # type: ignore[attr-defined]
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        if staff is None:
            patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response
