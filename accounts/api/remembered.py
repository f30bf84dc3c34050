"""Clients whose key this process has read before, for acts that confirm what they were told.

A till sells all day with one key, and reading it costs a sale a trip. So an act that goes with
`idempotent` takes the client from memory and asks, before its own statement and on the same trip,
whether the rows are still those that were read (`CONFIRM`, with a `KeyAsRead`): what was revoked,
has expired or was changed a moment ago is refused by the act's own transaction. Every other request
reads the key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from common.rows import twin

from ..models import ApiClient

# What tells one state of the two rows from every later one, without a column for it.
AS_READ = "ROW(client.ctid, client.xmin, market.ctid, market.xmin)::text"
# Says nothing for a key that is as it was read, and refuses with a code of its own.
CONFIRM, CHANGED = "guard_key(%s, %s)", "RC003"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class KeyAsRead:
    """A client's key that was taken from memory: its hash, and the state of its rows when read."""

    sent: bytes
    state: str


def confirms_key(method: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view's method that confirms a `KeyAsRead`, whatever it answers."""
    method.confirms_key = True  # type: ignore[attr-defined]
    return method


def acts_confirm(request: Request) -> bool:
    """Whether the method that will answer is one of those."""
    view = request.parser_context["view"]
    method = getattr(view, (request.method or "").lower(), None)
    return getattr(method, "confirms_key", False)


class _Remembered:
    """By the key's hash; a process keeps the clients it was called by, up to a bound."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[ApiClient, str]] = {}

    def keep(self, sent: bytes, client: ApiClient, state: str) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[sent] = (client, state)

    def get(self, sent: bytes) -> tuple[ApiClient, KeyAsRead] | None:
        """Instances of the caller's own, so that no request sees what another did to them."""
        found = self._known.get(sent)
        if found is None:
            return None
        kept, state = found
        client = twin(kept)
        client.market = twin(kept.market)
        return client, KeyAsRead(sent, state)

    def forget(self, sent: bytes) -> None:
        self._known.pop(sent, None)


remembered = _Remembered()
