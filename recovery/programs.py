"""The short way of requests that carry a key: programs read no page and keep no session.

Session, CSRF, messages, htmx and sign-in pages have nothing to say to them, and going through all
of it costs a redemption a fifth of its time. What protects any answer stays: the host is checked,
a connection without TLS is sent away, and the headers are those that the same middleware writes on
a page, written once and copied.
"""

from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

from accounts.middleware import carries_key

from .middleware import GetResponse, when_down

# Not about an answer's protection, and set by whoever makes the answer.
_OF_THE_ANSWER = frozenset({"content-type", "content-length"})


class _Views(BaseHandler):
    """The end of the chain alone: finds the view and calls it."""

    def __init__(self) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = [when_down]
        inner: Any = self._get_response  # type: ignore[attr-defined]
        self.answer: Any = convert_exception_to_response(inner)


class ProgramsMiddleware:
    """Answers requests under `/api/` that carry a key; hands every other one on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._views = _Views()
        self._headers: dict[bool, dict[str, str]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (request.path_info.startswith("/api/") and carries_key(request)):
            return self.get_response(request)
        secure = request.is_secure()
        if settings.SECURE_SSL_REDIRECT and not secure:
            return self.get_response(request)
        request.get_host()  # raises DisallowedHost
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response: HttpResponse = self._views.answer(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        if secure not in self._headers:
            self._headers[secure] = _protecting(request)
        for name, value in self._headers[secure].items():
            response.headers.setdefault(name, value)
        if not response.streaming and "Content-Length" not in response.headers:
            response.headers["Content-Length"] = str(len(response.content))
        return response


def _protecting(request: HttpRequest) -> dict[str, str]:
    """The headers that protect an answer, as the pages' own middleware writes them."""
    handler: Any = lambda _request: HttpResponse()  # noqa: E731
    for middleware in (XFrameOptionsMiddleware, CSPMiddleware, SecurityMiddleware):
        handler = middleware(handler)
    written = handler(request).headers.items()
    return {name: value for name, value in written if name.lower() not in _OF_THE_ANSWER}
