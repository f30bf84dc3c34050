"""Which form an answer has: JSON, decided at once where the request leaves no choice."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

_LEAVES_NO_CHOICE = frozenset({"*/*", "application/json"})


class JsonNegotiation(DefaultContentNegotiation):
    """The framework's rules, which parse every media type, only where something is asked for."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        asked = request.META.get("HTTP_ACCEPT", "*/*")
        if (
            asked in _LEAVES_NO_CHOICE
            and not format_suffix
            and not request.META.get("QUERY_STRING")
            and [renderer.media_type for renderer in renderers] == ["application/json"]
        ):
            return renderers[0], "application/json"
        return super().select_renderer(request, renderers, format_suffix)
