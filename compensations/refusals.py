"""Why a compensation or a coupon is refused: stable codes, and words that say what to do next."""

from django.utils.translation import gettext_lazy as _

from common.errors import NotAllowed, Refusal


class NotInScale(Refusal):
    code = "not_in_scale"
    default_message = _(
        "The live scale does not hold this offer for this case. Reload to see the approved ones."
    )


class OutOfRange(Refusal):
    code = "out_of_range"
    status = 422


class AmountNeeded(Refusal):
    code = "amount_needed"
    status = 422
    default_message = _("This offer is a share of the amount at stake: write that amount first.")


class NeedsApproval(Refusal):
    code = "needs_approval"
    default_message = _(
        "From this amount on, the scale asks for a second person. "
        "Ask for approval, or choose a smaller amount."
    )


class SelfDealing(Refusal):
    code = "self_dealing"
    default_message = _(
        "This customer's contact belongs to somebody who works here. "
        "Hand the case to your supervisor."
    )


class LimitExceeded(Refusal):
    code = "limit_exceeded"


class LimitChanged(Refusal):
    code = "limit_changed"
    default_message = _(
        "The limit in force is another one since this was proposed. Reject it and propose again."
    )


class IssuanceStopped(Refusal):
    code = "issuance_stopped"
    default_message = _(
        "Finance has stopped all compensations in this market. "
        "Promise a call and keep the case open."
    )


class GrantDirectly(Refusal):
    code = "grant_directly"
    default_message = _("This needs nobody's approval: grant it.")


class AlreadyDecided(Refusal):
    """Somebody else was first; `extra` says who, when and how it ended."""

    code = "already_decided"


class OwnRequest(NotAllowed):
    """Nobody decides what they asked for, wrote, agreed to before, or benefit from."""

    code = "own_request"
    default_message = _("You asked for this, so another person decides it.")


class WaitsForFinance(NotAllowed):
    code = "waits_for_finance"
    default_message = _("This request waits for finance, so a supervisor does not decide it.")


class AboveAuthority(Refusal):
    code = "above_authority"


class RequestChanged(Refusal):
    code = "request_changed"
    default_message = _(
        "The case changed since this was asked, so the request ended by itself and its room was "
        "given back. Whoever asked can ask again."
    )


class RequestLapsed(Refusal):
    code = "request_lapsed"
    default_message = _(
        "This request waited too long and ended by itself; its room was given back. "
        "Whoever asked can ask again."
    )


class AlreadyGranted(Refusal):
    code = "already_granted"
    default_message = _("This offer was already granted on this case.")


class RefundAboveStake(Refusal):
    """More than is left of what was at stake; `left` says how much, and nobody's yes passes it."""

    code = "refund_above_stake"


class StakeBelowRefunds(Refusal):
    """Less at stake than the case's refunds gave back; `refunded` says how much that is."""

    code = "stake_below_refunds"


class TooOften(Refusal):
    code = "too_often"
    default_message = _(
        "This customer already had this offer as often as the scale allows. Choose another one."
    )


class TooOftenTogether(TooOften):
    """The same of customers who share a contact: all of them count as one."""

    default_message = _(
        "This customer's phone or email is also another customer's, and together they already had "
        "this offer as often as the scale allows. Choose another one."
    )


class CouponNotValid(Refusal):
    """One answer for unknown, used, expired, voided and reserved codes."""

    code = "coupon_not_valid"
    status = 422
    default_message = _("This code cannot be used. Check it with the customer.")


class AmountNotTaken(Refusal):
    """A valid coupon, and an amount that cannot be taken from it. `balance_minor` says what can."""

    code = "amount_not_taken"
    status = 422


class TransactionReused(Refusal):
    code = "transaction_reused"
    default_message = _("This transaction number was already used for another operation.")


class ReversalRefused(Refusal):
    code = "reversal_refused"
    default_message = _("This redemption can no longer be undone.")


class VoidRefused(Refusal):
    code = "void_refused"
    default_message = _("Only what is not redeemed can be voided.")


class VoidWindowOver(Refusal):
    code = "void_window_over"
    status = 403
    default_message = _("Your ten minutes are over. Ask your supervisor to void it.")


class ResendRefused(Refusal):
    code = "resend_refused"
    default_message = _("This compensation is no longer valid, so it is not sent again.")
