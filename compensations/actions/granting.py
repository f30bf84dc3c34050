"""Granting: one act on the desk's hottest path, three trips to the database with its commit.

What is above a personal limit or asks for a second person is a request instead: see `requesting`.
"""

from functools import partial

from django.utils import timezone

from accounts.models import Staff
from common.rows import Batch
from common.transactions import atomic_act
from incidents.actions import start_recovery
from incidents.models import Incident

from .. import limits, taking
from ..models import Compensation, Offer
from ..refusals import AlreadyGranted, NeedsApproval
from .issuing import add_issue, granted_event, issue, wake
from .preparing import ONCE_PER_OFFER, prepare, unsaved
from .sending import granted_message


@atomic_act
def grant(
    *,
    incident: Incident,
    offer: Offer,
    amount_minor: int | None = None,
    by: Staff,
    channel: str | None = None,
    note: str = "",
    reissue_of: Compensation | None = None,
) -> Compensation:
    """Grants an offer of the live scale on a case; its message is queued in the same commit.

    `amount_minor` is in minor units of the market's currency, None for the offer's default;
    `channel` None means the customer's preferred one where it can be used. Raises NotAllowed,
    NotFound, NotInScale, OutOfRange, AmountNeeded, NeedsApproval, SelfDealing, TooOften,
    RefundAboveStake, LimitExceeded, IssuanceStopped, AlreadyGranted, TransitionRefused.
    """
    ground = prepare(
        incident=incident, offer=offer, amount_minor=amount_minor, by=by, reissue_of=reissue_of
    )
    case, market = ground.case, ground.case.market
    if ground.needs_approval:
        raise NeedsApproval(
            field="amount_minor",
            extra={"approval_from": ground.offer.approval_from_minor, "request": True},
        )
    now = timezone.now()
    compensation = unsaved(ground, by=by, note=note)
    compensation.reissue_of = reissue_of
    issue(compensation, now)
    message = granted_message(compensation, ground.contacts, channel)
    role = limits.acting_role(by, market)
    batch = Batch()
    batch.insert(compensation)
    add_issue(
        batch,
        compensation,
        message,
        granted_event(compensation, message, by=by, role=role, reason=note),
    )
    start_recovery(incident=case, by=by, compensated=True, batch=batch)
    applicable = limits.NONE
    if not compensation.is_statutory:
        applicable = limits.limits_for(
            market=market,
            staff=by,
            customer=case.customer,
            incident=case,
            at=now,
            in_force=ground.in_force,
        ).together_with(ground.sharing)
    batch.means(ONCE_PER_OFFER, partial(AlreadyGranted, field="offer"))
    taking.take(compensation, applicable, market=market, batch=batch, refuse=ground.exceeded)
    wake(message)
    return compensation
