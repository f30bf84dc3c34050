"""A coupon held for one till for some minutes, and let go."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiClient, Location, Market
from common.errors import InvalidInput

from ..models import Coupon
from ..refusals import CouponNotValid
from ..states import CouponState
from .looking import check_till, hashes_of, record, usable_here, usable_now

RESERVE_MINUTES = (1, 30)


@transaction.atomic
def reserve(
    *,
    code: str,
    market: Market,
    location: Location | None = None,
    minutes: int = 10,
    by: ApiClient,
) -> Coupon:
    """Holds a coupon for this client for some minutes; runs out by itself.

    Raises CouponNotValid, NotAllowed, InvalidInput.
    """
    check_till(by, market)
    low, high = RESERVE_MINUTES
    if not low <= minutes <= high:
        raise InvalidInput(field="minutes", extra={"minimum": low, "maximum": high})
    coupon = (
        Coupon.objects.select_for_update(of=("self",))
        .filter(usable_now(by), usable_here(location), code_hash__in=hashes_of(code), market=market)
        .select_related("compensation")
        .first()
    )
    if coupon is None:
        raise CouponNotValid(field="code")
    coupon.state = CouponState.RESERVED
    coupon.reserved_by = by
    coupon.reserved_until = timezone.now() + dt.timedelta(minutes=minutes)
    coupon.save(update_fields=["state", "reserved_by", "reserved_until"])
    record(coupon.compensation, "coupon.reserved", by, market, {"minutes": minutes})
    return coupon


@transaction.atomic
def release(*, code: str, market: Market, by: ApiClient) -> Coupon:
    """Gives back a coupon this client holds. Raises CouponNotValid, NotAllowed."""
    check_till(by, market)
    coupon = (
        Coupon.objects.select_for_update(of=("self",))
        .filter(
            code_hash__in=hashes_of(code), market=market, state=CouponState.RESERVED, reserved_by=by
        )
        .select_related("compensation")
        .first()
    )
    if coupon is None:
        raise CouponNotValid(field="code")
    coupon.state = CouponState.ISSUED
    coupon.reserved_by = coupon.reserved_until = None
    coupon.save(update_fields=["state", "reserved_by", "reserved_until"])
    record(coupon.compensation, "coupon.released", by, market, {})
    return coupon
