"""Guessing of coupon codes held back, around every act that takes a code.

Before the act the caller's, the terminal's and the address's failures are looked at. A code that
did not work counts against all three and against its customer; an unknown code counts against
itself, so that trying one code again and again looks the same whether it exists or not. What cannot
be a code is a slip of the hand and counts against nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.db import DatabaseError
from django.http import HttpRequest

from accounts import guessing
from accounts.addresses import client_address
from accounts.guessing import Origin, TooManyFailures
from accounts.models import ApiClient, Location, Market, Staff
from common.errors import LateRefusal, Refusal
from common.prepared import Statement, send_along

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
def guarded(origin: Origin, *, code: str, market: Market) -> Iterator[None]:
    """Looks up what has `code`. Raises TooManyFailures before it or for its refusal."""
    guessing.check(origin, looking_up=True)
    try:
        yield
    except CouponNotValid as refusal:
        raise _counted(refusal, origin, code, market, looking_up=True) from refusal


@contextmanager
def guarded_act(origin: Origin, *, code: str, market: Market) -> Iterator[None]:
    """An act that takes `code`, inside the transaction of an Idempotency-Key.

    The failures so far are looked at by the act's own first statement, and the act's failure is
    counted once the transaction is over, which takes back all else. Raises TooManyFailures,
    DidNotWork.
    """
    try:
        with refusing(origin) as guard:
            send_along(*guard)
            yield
    except CouponNotValid as refusal:
        raise DidNotWork(refusal, origin, code, market) from refusal


@contextmanager
def refusing(origin: Origin) -> Iterator[Statement]:
    """For an act in one statement: the statement to send before it. Raises TooManyFailures."""
    try:
        yield guessing.guard(origin)
    except DatabaseError as error:
        stopped = guessing.stopped(error)
        if stopped is None:
            raise
        raise stopped from error


class DidNotWork(LateRefusal):
    """The refusal of a code, which is counted as soon as its transaction is over."""

    def __init__(self, refusal: CouponNotValid, origin: Origin, code: str, market: Market) -> None:
        super().__init__()
        self._counted = refusal, origin, code, market

    def in_words(self) -> Refusal:
        return _counted(*self._counted, looking_up=False)


def _counted(
    refusal: CouponNotValid, origin: Origin, code: str, market: Market, *, looking_up: bool
) -> Refusal:
    """Counts a code that did not work; what to answer."""
    text = codes.read(code)
    if text is None:
        # Mistyped: no coupon can have it, as its check symbol says. Nobody guessed anything.
        return refusal
    whose = _whose(text, market)
    guessing.failed(replace(origin, customer=whose))
    try:
        guessing.check(Origin(customer=whose), looking_up=looking_up)
    except TooManyFailures as stopped:
        return stopped
    return refusal


def _whose(text: str, market: Market) -> str:
    """The customer of the code's coupon; of a code that has none, its keyed hash."""
    hashes = codes.all_hashes(text)
    customer = (
        Coupon.objects.filter(code_hash__in=hashes, market=market)
        .values_list("compensation__customer", flat=True)
        .first()
    )
    return str(customer) if customer else hashes[0].hex()
