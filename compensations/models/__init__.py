"""The scale, limits, compensations, coupons and the ledger, a file for each noun."""

from .coupons import Coupon, Redemption, Reversal
from .granting import Approval, Compensation
from .ledger import LedgerClosing, LedgerDay, LedgerEntry
from .limits import IssuanceLimit, LimitCounter, LimitUse
from .scale import Offer, ScaleRule, ScaleVersion

__all__ = [
    "Approval",
    "Compensation",
    "Coupon",
    "IssuanceLimit",
    "LedgerClosing",
    "LedgerDay",
    "LedgerEntry",
    "LimitCounter",
    "LimitUse",
    "Offer",
    "Redemption",
    "Reversal",
    "ScaleRule",
    "ScaleVersion",
]
