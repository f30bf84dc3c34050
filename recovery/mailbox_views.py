"""The mailbox page: what customers would receive. Embedded mode only; see `mailbox.py`."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.permissions import staff_required
from accounts.workplace import workplace_of

from . import mailbox

PAGE_SIZE = 50
# Nothing runs, loads or navigates in a customer's mail; its links open in a tab of their own.
PART_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def _in_local_time(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Shows moments as the reader's market has them, where they work in one."""

    @wraps(view)
    def shown(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        here = workplace_of(request)
        with timezone.override(ZoneInfo(here.market.time_zone) if here else None):
            return view(request, *args, **kwargs)

    return shown


@require_safe
@never_cache
@staff_required()
@_in_local_time
def inbox(request: HttpRequest) -> HttpResponse:
    """Newest first, in pages."""
    given = request.GET.get("page", "")
    page = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
    rows, more = mailbox.newest(page * PAGE_SIZE, PAGE_SIZE)
    return render(
        request,
        "mailbox/list.html",
        {
            "rows": rows,
            "page": page,
            "newer_url": f"?page={page - 1}" if page else "",
            "older_url": f"?page={page + 1}" if more else "",
        },
    )


@require_safe
@never_cache
@staff_required()
@_in_local_time
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
def message(request: HttpRequest, key: str) -> HttpResponse:
    """One message: its HTML in a frame that can do nothing, and its text."""
    opened = mailbox.read(key)
    if opened is None:
        raise Http404
    return render(request, "mailbox/message.html", {"opened": opened, "kept": opened.kept})


@require_safe
@never_cache
@xframe_options_sameorigin
@staff_required()
def part(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML part alone, under a policy that lets it style itself and nothing else."""
    opened = mailbox.read(key)
    if opened is None or not opened.html:
        raise Http404
    response = HttpResponse(opened.html)
    response["Content-Security-Policy"] = PART_POLICY
    return response
