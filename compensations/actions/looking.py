"""What acts with a coupon at a till begin with: who may, which code, usable here and now or not."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import ApiClient, Location, Market, Staff
from accounts.states import Role, Scope
from audit.actions import Actor, event
from common.errors import NotAllowed
from common.rows import insert

from .. import codes
from ..models import Compensation, Coupon
from ..refusals import CouponNotValid
from ..states import CouponState

Caller = ApiClient | Staff


@dataclass(frozen=True, slots=True)
class CouponView:
    """What a till may know of a valid coupon. Amounts in minor units."""

    coupon_id: uuid.UUID
    name_es: str
    name_en: str
    terms_es: str
    terms_en: str
    value_minor: int
    balance_minor: int
    currency: str
    keeps_balance: bool
    expires_at: dt.datetime
    last_four: str
    reserved: bool


def check_till(by: Caller, market: Market, scope: str = Scope.COUPONS_REDEEM) -> None:
    """Raises NotAllowed unless the caller may do this at the market's tills."""
    if isinstance(by, ApiClient):
        allowed = by.market_id == market.pk and (
            scope in by.scopes
            or (scope == Scope.COUPONS_VALIDATE and Scope.COUPONS_REDEEM in by.scopes)
        )
    else:
        allowed = by.has_role(market, Role.CASHIER)
    if not allowed:
        raise NotAllowed


def caller_columns(by: Caller) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """(client, cashier): exactly one is set."""
    return (by.pk, None) if isinstance(by, ApiClient) else (None, by.pk)


def actor(by: Caller) -> Actor:
    """Who acts, for the trail."""
    return by.as_actor() if isinstance(by, ApiClient) else by.as_actor(Role.CASHIER)


def hashes_of(code: str) -> list[bytes]:
    """The code's hashes under every key in use. Raises CouponNotValid for what cannot be one."""
    text = codes.read(code)
    if text is None:
        raise CouponNotValid(field="code")
    return codes.all_hashes(text)


def usable_now(by: Caller) -> Q:
    """Valid, or reserved by this caller, or by one whose minutes have passed."""
    mine = Q(state=CouponState.RESERVED, reserved_until__lte=Now())
    if isinstance(by, ApiClient):
        mine |= Q(state=CouponState.RESERVED, reserved_by=by)
    return (Q(state=CouponState.ISSUED) | mine) & Q(expires_at__gt=Now())


def usable_here(location: Location | None) -> Q:
    anywhere = Q(usable_at=[])
    return anywhere | Q(usable_at__contains=[location.code]) if location else anywhere


def validate_coupon(
    *, code: str, market: Market, location: Location | None = None, by: Caller
) -> CouponView:
    """What a code is worth here and now; changes nothing. Raises CouponNotValid, NotAllowed."""
    check_till(by, market, Scope.COUPONS_VALIDATE)
    coupon = (
        Coupon.objects.filter(
            usable_now(by), usable_here(location), code_hash__in=hashes_of(code), market=market
        )
        .select_related("compensation__offer")
        .first()
    )
    if coupon is None:
        raise CouponNotValid(field="code")
    offer = coupon.compensation.offer
    return CouponView(
        coupon_id=coupon.pk,
        name_es=offer.name_es,
        name_en=offer.name_en,
        terms_es=offer.terms_es,
        terms_en=offer.terms_en,
        value_minor=coupon.value_minor,
        balance_minor=coupon.balance_minor,
        currency=coupon.currency,
        keeps_balance=coupon.keeps_balance,
        expires_at=coupon.expires_at,
        last_four=coupon.last_four,
        reserved=coupon.state == CouponState.RESERVED,
    )


def record(
    compensation: Compensation,
    act: str,
    by: Caller,
    market: Market,
    after: dict[str, Any],
    reason: str = "",
) -> None:
    """Writes the act's row in the trail, in the transaction of the act."""
    insert(
        event(
            act=act,
            by=actor(by),
            object_kind="compensation",
            object_id=compensation.pk,
            about_id=compensation.incident_id,
            market_code=market.code,
            after=after,
            reason=reason,
        )
    )
