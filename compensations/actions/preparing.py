"""What a grant and a request have in common: the checks of an offer on a locked case."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Staff
from accounts.states import Role
from common.errors import NotAllowed, TransitionRefused
from common.money import format_money, share
from common.rows import fresh
from incidents.models import ContactPoint, Incident
from incidents.states import IncidentState

from .. import limits, refunds, scale
from ..models import Compensation, Offer, ScaleRule, ScaleVersion
from ..refusals import IssuanceStopped, NotInScale, OutOfRange
from ..sharing import check_frequency
from ..states import REFUND_KINDS, CompensationState
from .locking import lock_and_read

# The constraint that keeps an offer from being granted twice on one case.
ONCE_PER_OFFER = "compensation_offer_once"
OPEN_STATES = frozenset({IncidentState.OPEN, IncidentState.IN_RECOVERY})


@dataclass(frozen=True, slots=True)
class Ground:
    """A locked case with the offer that the live scale allows on it, and the amount chosen."""

    case: Incident
    version: ScaleVersion
    rule: ScaleRule
    offer: Offer
    minor: int
    # The least that the offer can be on this case.
    least_minor: int
    contacts: Sequence[ContactPoint]
    # Ids of the market's limits, read after the locks were had.
    in_force: Sequence[int]
    # Ids of the other customers who share a contact, read likewise.
    sharing: frozenset[uuid.UUID]

    @property
    def exceeded(self) -> limits.Refusing:
        """How a limit that does not hold the amount is refused."""
        return partial(limits.exceeded, least_minor=self.least_minor)

    @property
    def needs_approval(self) -> bool:
        """Whether the scale asks for a second person from this amount on."""
        bound = self.offer.approval_from_minor
        return bound is not None and self.minor >= bound


def check_refunds(
    offer: Offer, case: Incident, minor: int, reissue_of: Compensation | None
) -> None:
    """Raises RefundAboveStake. The case is locked, so two refunds cannot slip past together."""
    at_stake = case.amount_at_stake_minor
    if offer.kind not in REFUND_KINDS or at_stake is None or "refunds" in settings.GUARDS_OFF:
        return
    refunded = refunds.refunded_on(case.pk, but=reissue_of)
    if refunded + minor > at_stake:
        raise refunds.above_stake(at_stake, refunded, case.market)


def _amount(allowed: scale.Range, incident: Incident, amount_minor: int | None) -> int:
    """The amount to grant, checked against the offer's range. Raises OutOfRange."""
    if amount_minor is None:
        return allowed.default
    if not allowed.minimum <= amount_minor <= allowed.maximum:
        market = incident.market
        raise OutOfRange(
            _("Choose an amount from %(low)s to %(high)s.")
            % {
                "low": format_money(allowed.minimum, market.currency, market.locale),
                "high": format_money(allowed.maximum, market.currency, market.locale),
            },
            field="amount_minor",
            extra={"minimum": allowed.minimum, "maximum": allowed.maximum},
        )
    return amount_minor


def check_open(case: Incident) -> None:
    """Raises IssuanceStopped, and TransitionRefused for a case that is not worked on any more."""
    if case.market.issuance_stopped_at is not None:
        raise IssuanceStopped
    if case.state == IncidentState.CLOSED:
        raise TransitionRefused(_("This case is closed. Reopen it to grant something more."))
    if case.state not in OPEN_STATES:
        raise TransitionRefused(_("This case is resolved. Reopen it to grant something more."))


def prepare(
    *,
    incident: Incident,
    offer: Offer,
    amount_minor: int | None,
    by: Staff,
    reissue_of: Compensation | None = None,
) -> Ground:
    """Locks the case and checks everything but the limits and who else has to agree.

    Raises NotAllowed, NotFound, NotInScale, OutOfRange, AmountNeeded, SelfDealing, TooOften,
    RefundAboveStake, IssuanceStopped, TransitionRefused.
    """
    locked = lock_and_read(incident.pk)
    case = locked.case
    market, customer = case.market, case.customer
    if not by.has_role(market, Role.AGENT, Role.SUPERVISOR):
        raise NotAllowed
    check_open(case)
    version = scale.version_of(locked.live_version)
    if version is None:
        raise NotInScale(field="offer")
    rule = scale.rule_for(version, case.category, case.severity, customer.segment)
    if rule is None:
        raise NotInScale(field="offer")
    chosen = next((row for row in rule.offers.all() if row.pk == offer.pk), None)
    if chosen is None:
        raise NotInScale(field="offer")
    allowed = scale.range_of(chosen, case.amount_at_stake_minor)
    minor = _amount(allowed, case, amount_minor)
    contacts = locked.contacts()
    check_frequency(chosen, customer, locked.sharing, reissue_of=reissue_of)
    check_refunds(chosen, case, minor, reissue_of)
    return Ground(
        case=case,
        version=version,
        rule=rule,
        offer=chosen,
        minor=minor,
        least_minor=allowed.minimum,
        contacts=contacts,
        in_force=locked.in_force,
        sharing=locked.sharing,
    )


def unsaved(ground: Ground, *, by: Staff, note: str = "") -> Compensation:
    """The compensation that the ground allows, not issued yet and in no table."""
    case, offer = ground.case, ground.offer
    return fresh(
        Compensation,
        market=case.market,
        incident=case,
        customer=case.customer,
        version=ground.version,
        rule=ground.rule,
        offer=offer,
        offer_key=offer.key,
        kind=offer.kind,
        is_statutory=offer.is_statutory,
        face_minor=ground.minor,
        expected_cost_minor=share(ground.minor, offer.expected_cost_bp),
        currency=case.market.currency,
        state=CompensationState.REQUESTED,
        granted_by=by,
        team_id=by.team_id,
        location_id=case.location_id,
        category=case.category,
        severity=case.severity,
        channel=case.channel,
        note=note,
    )
