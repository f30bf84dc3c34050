"""Where a request comes from. A forwarded address counts only behind a proxy of our own."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The caller's network address: the peer's, or what our own proxy says of it."""
    trusted: int = getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0)
    if trusted:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")
        if len(forwarded) >= trusted and forwarded[-trusted].strip():
            return forwarded[-trusted].strip()[:45]
    return str(request.META.get("REMOTE_ADDR", ""))
