"""Every refusal of the API as problem details (RFC 9457).

`type` and `code` are stable, `title` and `detail` are in the reader's language, `errors` names
fields, and a rule adds its numbers beside them. An error of the code itself is logged whole and
answered without a word of it.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from common.context import request_id
from common.errors import NotAllowed, NotFound, Refusal, type_base

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: _("The request cannot be read."),
    401: _("A key is needed."),
    403: NotAllowed.default_message,
    404: NotFound.default_message,
    405: _("This address does not take that method."),
    406: _("Only JSON is answered here."),
    413: _("The request is too large."),
    415: _("Only JSON is read here."),
    429: _("Too many attempts. Wait a moment."),
    500: _("Something broke on our side."),
}
CODES = {
    400: "malformed",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
    500: "internal",
}


def problem(
    status: int,
    *,
    code: str = "",
    title: Any = "",
    detail: Any = "",
    errors: Mapping[str, list[str]] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a refusal."""
    code = code or CODES.get(status, "refused")
    title = str(title or TITLES.get(status, Refusal.default_message))
    body: dict[str, Any] = dict(extra or {})
    body.update(
        type=type_base + code, title=title, status=status, code=code, detail=str(detail) or title
    )
    if errors:
        body["errors"] = dict(errors)
    body["request_id"] = request_id.get()
    return body


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """The body for what an action refused."""
    message = str(refusal.message)
    return problem(
        refusal.status,
        code=refusal.code,
        title=refusal.default_message,
        detail=message,
        errors={refusal.field: [message]} if refusal.field else None,
        extra=refusal.extra,
    )


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Field errors as `{"a.b": ["..."]}`, whatever their nesting."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, item in detail.items():
            if name == "non_field_errors":
                found.update(flatten(item, path))
            else:
                found.update(flatten(item, f"{path}.{name}" if path else str(name)))
        return found
    if isinstance(detail, list):
        found = {}
        for index, item in enumerate(detail):
            if isinstance(item, Mapping):
                found.update(flatten(item, f"{path}.{index}" if path else str(index)))
            else:
                found.setdefault(path or "body", []).append(str(item))
        return found
    return {path or "body": [str(detail)]}


def _of_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return problem(
            400, code="invalid", title=_("Some fields are not valid."), errors=flatten(error.detail)
        )
    if isinstance(error, exceptions.NotAuthenticated):
        return problem(401, detail=_("Send a key in the header “Authorization: Bearer”."))
    return problem(error.status_code, detail=error.detail)


def headers_for(error: Exception) -> dict[str, str]:
    """Headers that go with an error: when to come back, how to sign in."""
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    wait = getattr(error, "wait", None)
    if wait is None and isinstance(error, Refusal):
        wait = error.extra.get("retry_after")
    if wait is not None:
        headers["Retry-After"] = str(max(1, int(wait)))
    return headers


def _broken(error: Exception, context: Mapping[str, Any]) -> dict[str, Any]:
    """Tells the log and whoever listens for failed requests; the caller learns the request id."""
    request = context["request"]._request
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request)
    return problem(500)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The exception handler of the API. None leaves a database that is away to the middleware."""
    if isinstance(error, Refusal):
        body = of_refusal(error)
    elif isinstance(error, Http404):
        body = problem(404)
    elif isinstance(error, PermissionDenied):
        body = problem(403)
    elif isinstance(error, RequestDataTooBig):
        body = problem(413)
    elif isinstance(error, exceptions.APIException):
        body = _of_api_exception(error)
    elif isinstance(error, OperationalError | InterfaceError):
        return None
    else:
        body = _broken(error, context)
    return Response(
        body, status=body["status"], headers=headers_for(error), content_type=CONTENT_TYPE
    )
