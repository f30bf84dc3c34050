"""The writes of this app, a file for each subject; import them from here."""

from .expiring import expire_all, expire_due
from .granting import grant
from .limits import confirm_limit, propose_limit, reject_limit, retire_limit, withdraw_limit
from .redeeming import CouponView, redeem, release, reserve, reverse, validate_coupon
from .scale import approve_scale, create_draft, publish_scale, submit_scale
from .sending import hand_over, resend
from .stopping import resume_issuance, stop_issuance
from .voiding import reissue, void

__all__ = [
    "CouponView",
    "approve_scale",
    "confirm_limit",
    "create_draft",
    "expire_all",
    "expire_due",
    "grant",
    "hand_over",
    "propose_limit",
    "publish_scale",
    "redeem",
    "reissue",
    "reject_limit",
    "release",
    "resend",
    "reserve",
    "resume_issuance",
    "retire_limit",
    "reverse",
    "stop_issuance",
    "submit_scale",
    "validate_coupon",
    "void",
    "withdraw_limit",
]
