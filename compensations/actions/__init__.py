"""The writes of this app, a file for each subject; import them from here."""

from .deciding import approve, pass_up, reject, try_to_approve, try_to_pass_up
from .expiring import expire_all, expire_due
from .granting import grant
from .limits import confirm_limit, propose_limit, reject_limit, retire_limit, withdraw_limit
from .looking import CouponView, validate_coupon
from .publishing import (
    approve_scale,
    publish_due,
    publish_scale,
    return_scale,
    submit_scale,
)
from .redeeming import redeem, redeem_and_answer
from .requesting import grant_or_request, lapse_due, request, withdraw
from .reserving import release, reserve
from .reversing import reverse
from .scale_drafts import change_cells, create_draft, delete_draft
from .sending import hand_over, resend
from .stopping import resume_issuance, stop_issuance
from .voiding import reissue, void

__all__ = [
    "CouponView",
    "approve",
    "approve_scale",
    "change_cells",
    "confirm_limit",
    "create_draft",
    "delete_draft",
    "expire_all",
    "expire_due",
    "grant",
    "grant_or_request",
    "hand_over",
    "lapse_due",
    "pass_up",
    "propose_limit",
    "publish_due",
    "publish_scale",
    "redeem",
    "redeem_and_answer",
    "reissue",
    "reject",
    "reject_limit",
    "release",
    "request",
    "resend",
    "reserve",
    "resume_issuance",
    "retire_limit",
    "return_scale",
    "reverse",
    "stop_issuance",
    "submit_scale",
    "try_to_approve",
    "try_to_pass_up",
    "validate_coupon",
    "void",
    "withdraw",
    "withdraw_limit",
]
