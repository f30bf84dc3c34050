"""Guessing of coupon codes: failed attempts are counted per client, terminal, address and customer.

Counts live in the shared cache, in windows of ten minutes. Looking a coupon up is allowed half as
many failures as redeeming one. Used by the API and by the counter's pages alike.
"""

import logging
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.utils.translation import ngettext

from common.errors import Refusal
from common.fingerprints import fingerprint

WINDOW = 600
LIMITS = {"client": 60, "terminal": 12, "address": 30, "customer": 10}
security = logging.getLogger("security")


class TooManyFailures(Refusal):
    """`retry_after` is in seconds."""

    code = "throttled"
    status = 429


@dataclass(frozen=True, slots=True)
class Origin:
    """Where attempts come from. What is empty is not counted.

    `client` is the id of the API client or of the person at the counter, `terminal` the client with
    its location, `address` the network address, `customer` whose page it is.
    """

    client: str = ""
    terminal: str = ""
    address: str = ""
    customer: str = ""

    def keys(self, window: int) -> dict[str, str]:
        """Cache key by scope. Hashed, since an address or a name may hold any sign."""
        return {
            scope: f"guess:{window}:{scope}:{fingerprint('guess', value).hex()[:32]}"
            for scope in LIMITS
            if (value := getattr(self, scope))
        }


def _now() -> tuple[int, int]:
    """The running window's number and the seconds until it ends."""
    window, passed = divmod(int(time.time()), WINDOW)
    return window, WINDOW - passed


def check(origin: Origin, *, looking_up: bool = False) -> None:
    """Raises TooManyFailures when any scope has used up its failures."""
    window, left = _now()
    keys = origin.keys(window)
    counts = cache.get_many(keys.values())
    for scope, key in keys.items():
        allowed = LIMITS[scope] // 2 if looking_up else LIMITS[scope]
        if counts.get(key, 0) >= allowed:
            security.warning("codes refused unread, too many failures per %s", scope)
            minutes = -(-left // 60)
            message = ngettext(
                "Too many codes did not work. Wait %(minutes)s minute and check the code.",
                "Too many codes did not work. Wait %(minutes)s minutes and check the code.",
                minutes,
            )
            raise TooManyFailures(message % {"minutes": minutes}, extra={"retry_after": left})


def failed(origin: Origin) -> None:
    """Counts one attempt that did not work."""
    window, _left = _now()
    for scope, key in origin.keys(window).items():
        cache.add(key, 0, WINDOW + 60)
        try:
            count = cache.incr(key)
        except ValueError:
            # Evicted between the two calls; the next failure starts a new count.
            continue
        if count == LIMITS[scope] // 2:
            security.warning("many codes do not work, per %s", scope)
