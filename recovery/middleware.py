"""What surrounds every request: its id, and a clean answer when the database is away."""

import logging
import sys
import uuid
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error

from common.context import request_id
from common.errors import type_base

log = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Names each request; the name is in its log lines, audit rows and `X-Request-Id`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


class PageMethodMiddleware:
    """An address asked in a way it does not take answers with a page, not with an empty screen."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.streaming or response.content:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response.get("Allow", "")
        return page


class PermissionsMiddleware:
    """No page uses a device, but for one that says so itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        return response


class DatabaseDownMiddleware:
    """A database that cannot be reached is a 503 with words, for pages and API alike."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return when_down(request, error)


def when_down(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The 503 for an error that means a database out of reach; None for any other error."""
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("database unavailable: %s", type(error).__name__)
        return database_down(request)
    return None


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to a mistake of ours: words for a person, a problem for a program.

    A database that went away outside a view (reading or saving the session) ends here too.
    """
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return database_down(request)
    if not request.path.startswith("/api/"):
        return server_error(request)
    return _problem(500, "internal", _("Something failed on our side"))


def _problem(status: int, code: str, words: str) -> HttpResponse:
    return JsonResponse(
        {
            "type": type_base + code,
            "title": words,
            "status": status,
            "code": code,
            "detail": words,
            "request_id": request_id.get(),
        },
        status=status,
        content_type="application/problem+json",
    )


def database_down(request: HttpRequest) -> HttpResponse:
    """The 503, saying that nothing was saved and when to come back."""
    words = _("The database cannot be reached. Nothing was saved; try again in a moment.")
    if request.path.startswith("/api/"):
        response = _problem(503, "unavailable", words)
    else:
        # Without the request: what surrounds a page would ask the database again.
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = "5"
    return response
