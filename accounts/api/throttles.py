"""Guessing of codes, seen from an API request."""

from rest_framework.request import Request

from ..addresses import client_address
from ..guessing import Origin, TooManyFailures, check, failed

__all__ = ["Origin", "TooManyFailures", "check", "failed", "origin_of"]


def origin_of(request: Request, *, location: str = "") -> Origin:
    """Where an attempt comes from; `location` is the code the terminal sends, if any."""
    caller = str(request.user.pk)
    return Origin(
        client=caller,
        terminal=f"{caller}/{location[:40]}" if location else "",
        address=client_address(request._request),
    )
