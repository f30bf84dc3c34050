"""Guessing of coupon codes held back, around every act that takes a code.

Before the act the caller's, the terminal's and the address's failures are looked at. A code that
did not work counts against all three and against its customer; an unknown code counts against
itself, so that trying one code again and again looks the same whether it exists or not. What cannot
be a code is a slip of the hand and counts against nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.http import HttpRequest

from accounts import guessing
from accounts.addresses import client_address
from accounts.guessing import Origin
from accounts.models import ApiClient, Location, Market, Staff

from . import codes
from .models import Coupon
from .refusals import CouponNotValid


def origin_of(
    request: HttpRequest, caller: ApiClient | Staff, location: Location | str | None
) -> Origin:
    """Where an attempt at a till comes from; the location may be said by its code."""
    code = location.code if isinstance(location, Location) else (location or "").upper()
    return Origin(
        client=str(caller.pk),
        terminal=f"{caller.pk}/{code}" if code else "",
        address=client_address(request),
    )


@contextmanager
def guarded(origin: Origin, *, code: str, market: Market, looking_up: bool) -> Iterator[None]:
    """Runs an act that takes `code`. Raises TooManyFailures before it or for its refusal."""
    guessing.check(origin, looking_up=looking_up)
    try:
        yield
    except CouponNotValid:
        text = codes.read(code)
        if text is None:
            # Mistyped: no coupon can have it, as its check symbol says. Nobody guessed anything.
            raise
        whose = _whose(text, market)
        guessing.failed(replace(origin, customer=whose))
        guessing.check(Origin(customer=whose), looking_up=looking_up)
        raise


def _whose(text: str, market: Market) -> str:
    """The customer of the code's coupon; of a code that has none, its keyed hash."""
    hashes = codes.all_hashes(text)
    customer = (
        Coupon.objects.filter(code_hash__in=hashes, market=market)
        .values_list("compensation__customer", flat=True)
        .first()
    )
    return str(customer) if customer else hashes[0].hex()
