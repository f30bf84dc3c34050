"""Why a code of a market cannot be used, for a cashier who has it in front of them.

Only a signed-in cashier hears it, and only of the own market's codes (docs/adr/0023): an unknown
code and one of another market have no reason, so both get the one answer that everybody else gets.
No word tells whose the coupon is, who granted it or who used it.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Location, Market
from common.windows import local_date

from . import codes
from .models import Coupon, Redemption
from .states import CouponState


def why_code_unusable(code: str, here: Location) -> str:
    """The reason in words, as of now; empty for what is no code of the place's market.

    Empty too for a code that can be used, such as one whose reservation has just run out.
    """
    text = codes.read(code)
    if text is None:
        return ""
    return _why(Q(code_hash__in=codes.all_hashes(text)), here)


def why_unusable(coupon: Coupon, here: Location) -> str:
    """The same of a coupon that was read before, as it stands now."""
    return _why(Q(pk=coupon.pk), here)


def _why(which: Q, here: Location) -> str:
    # Judged by the database's clock, as the redemption itself is.
    coupon = Coupon.objects.filter(which, market=here.market).annotate(read_at=Now()).first()
    return _reason(coupon, here, coupon.read_at) if coupon else ""


def _reason(coupon: Coupon, here: Location, now: dt.datetime) -> str:
    market = here.market
    if coupon.state == CouponState.REDEEMED:
        return _used(coupon, market, now)
    if coupon.state == CouponState.VOIDED:
        return _("Withdrawn: this code is no longer valid.")
    if coupon.state == CouponState.EXPIRED or coupon.expires_at <= now:
        last_day = local_date(coupon.expires_at - dt.timedelta(microseconds=1), market.time_zone)
        return _("Expired on %(date)s.") % {"date": date_format(last_day, "SHORT_DATE_FORMAT")}
    if coupon.reserved_until is not None and coupon.reserved_until > now:
        return _("Reserved until %(moment)s at another till.") % {
            "moment": _moment(coupon.reserved_until, market, now)
        }
    if coupon.usable_at and here.code not in coupon.usable_at:
        return _("Usable only at %(places)s.") % {"places": _places(coupon.usable_at, market)}
    return ""


def _used(coupon: Coupon, market: Market, now: dt.datetime) -> str:
    """When and where the last of it was used; a till may not say where it stands."""
    last = (
        Redemption.objects.filter(coupon=coupon, reversed_at=None)
        .select_related("location")
        .order_by("-id")
        .first()
    )
    if last is None:
        return ""
    at = timezone.localtime(last.created_at, ZoneInfo(market.time_zone))
    values = {
        "date": date_format(at, "SHORT_DATE_FORMAT"),
        "time": date_format(at, "TIME_FORMAT"),
        "place": last.location.name if last.location else "",
    }
    if at.date() == local_date(now, market.time_zone):
        if last.location:
            return _("Used today at %(time)s at %(place)s.") % values
        return _("Used today at %(time)s.") % values
    if last.location:
        return _("Used on %(date)s at %(time)s at %(place)s.") % values
    return _("Used on %(date)s at %(time)s.") % values


def _moment(at: dt.datetime, market: Market, now: dt.datetime) -> str:
    """The time by the market's clock, with the date where that is not today's."""
    local = timezone.localtime(at, ZoneInfo(market.time_zone))
    today = local.date() == local_date(now, market.time_zone)
    return date_format(local, "TIME_FORMAT" if today else "SHORT_DATETIME_FORMAT")


def _places(wanted: list[str], market: Market) -> str:
    """The names of the market's places with these codes; a code stands for itself without one."""
    rows = Location.objects.filter(market=market, code__in=wanted)
    names = {row.code: row.name for row in rows}
    return ", ".join(names.get(code, code) for code in wanted)
