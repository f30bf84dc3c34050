"""Looking up the scale, limits, compensations, coupons and the ledger, by auditors. No codes."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin, name_models

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


name_models(
    {
        ScaleVersion: (_("scale version"), _("scale versions")),
        ScaleRule: (_("scale rule"), _("scale rules")),
        Offer: (_("offer"), _("offers")),
        Compensation: (_("compensation"), _("compensations")),
        Coupon: (_("coupon"), _("coupons")),
        Redemption: (_("redemption"), _("redemptions")),
        Reversal: (_("reversal"), _("reversals")),
        LedgerEntry: (_("ledger entry"), _("ledger entries")),
        IssuanceLimit: (_("issuance limit"), _("issuance limits")),
        LimitCounter: (_("limit counter"), _("limit counters")),
        LimitUse: (_("use of a limit"), _("uses of limits")),
        Approval: (_("approval"), _("approvals")),
    }
)
