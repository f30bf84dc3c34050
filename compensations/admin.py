"""Looking up the scale, limits, compensations, coupons and the ledger, by auditors. No codes."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin

from .models import (
    Approval,
    Compensation,
    Coupon,
    IssuanceLimit,
    LedgerEntry,
    LimitCounter,
    LimitUse,
    Offer,
    Redemption,
    Reversal,
    ScaleRule,
    ScaleVersion,
)


@admin.register(ScaleVersion, Compensation, Coupon, Redemption, LedgerEntry, IssuanceLimit)
class InMarketAdmin(ReadOnlyAdmin):
    pass


@admin.register(ScaleRule)
class ScaleRuleAdmin(ReadOnlyAdmin):
    market_path = "version__market"


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    market_path = "rule__version__market"


@admin.register(Approval, LimitUse)
class OfCompensationAdmin(ReadOnlyAdmin):
    market_path = "compensation__market"


@admin.register(Reversal)
class ReversalAdmin(ReadOnlyAdmin):
    market_path = "redemption__market"


@admin.register(LimitCounter)
class LimitCounterAdmin(ReadOnlyAdmin):
    market_path = "limit__market"
