"""Reads: offers with their room before the agent chooses, compensations a person may see."""

from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import ApiClient, Market, Staff
from accounts.states import Role
from common.errors import Refusal
from common.money import share
from incidents.models import Category, Customer, Incident
from incidents.states import IncidentState

from . import limits, scale
from .limits import Room
from .models import Compensation, Offer, ScaleRule, ScaleVersion
from .refusals import AlreadyGranted, IssuanceStopped, NeedsApproval
from .rights import check_void_right
from .states import CompensationState, Measure

READERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
HOLDING = (CompensationState.REQUESTED, CompensationState.ISSUED, CompensationState.SETTLED)


@dataclass(frozen=True, slots=True)
class OfferOption:
    """One offer on one case, in minor units, with what stands in its way."""

    offer: Offer
    minimum_minor: int = 0
    default_minor: int = 0
    maximum_minor: int = 0
    rooms: list[Room] = field(default_factory=list)
    already: Compensation | None = None
    refusal: Refusal | None = None

    @property
    def expected_cost_minor(self) -> int:
        """What finance expects the default amount to cost."""
        return share(self.default_minor, self.offer.expected_cost_bp)

    @property
    def room(self) -> Room | None:
        """The tightest amount limit; None where none counts this offer."""
        return next((room for room in self.rooms if room.measure == Measure.AMOUNT), None)

    @property
    def needs_approval(self) -> bool:
        """Whether the default amount asks for a second person."""
        bound = self.offer.approval_from_minor
        return bound is not None and self.default_minor >= bound

    @property
    def grantable(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class OfferCard:
    """What the live scale allows on a case. `rule` is None in a hole of the scale."""

    version: ScaleVersion | None
    rule: ScaleRule | None
    options: list[OfferOption]


def live_scale(market: Market) -> ScaleVersion | None:
    """The market's live version."""
    return scale.live_version(market)


def offers_for(incident: Incident, *, by: Staff | None) -> OfferCard:
    """The approved offers on a saved case, with the room left to `by`."""
    held = {
        row.offer_id: row
        for row in Compensation.objects.filter(incident=incident, state__in=HOLDING)
    }
    return _card(
        market=incident.market,
        category=incident.category,
        severity=incident.severity,
        customer=incident.customer,
        amount_at_stake_minor=incident.amount_at_stake_minor,
        incident=incident,
        by=by if incident.state in {IncidentState.OPEN, IncidentState.IN_RECOVERY} else None,
        held=held,
    )


def preview_offers(
    *,
    market: Market,
    category: Category,
    severity: str,
    customer: Customer | None,
    amount_at_stake_minor: int | None,
    by: Staff,
) -> OfferCard:
    """The same before the case is saved; a new customer has the standard segment."""
    return _card(
        market=market,
        category=category,
        severity=severity,
        customer=customer,
        amount_at_stake_minor=amount_at_stake_minor,
        incident=None,
        by=by,
        held={},
    )


def _card(
    *,
    market: Market,
    category: Category,
    severity: str,
    customer: Customer | None,
    amount_at_stake_minor: int | None,
    incident: Incident | None,
    by: Staff | None,
    held: dict[int, Compensation],
) -> OfferCard:
    version = scale.live_version(market)
    segment = customer.segment if customer else "standard"
    rule = scale.rule_for(version, category, severity, segment) if version else None
    if rule is None:
        return OfferCard(version, None, [])
    rooms: list[Room] = []
    if by is not None:
        rooms = limits.rooms(
            limits.limits_for(market=market, staff=by, customer=customer, incident=incident)
        )
    return OfferCard(
        version,
        rule,
        [
            _option(offer, market, amount_at_stake_minor, rooms, held.get(offer.pk))
            for offer in rule.offers.all()
        ],
    )


def _option(
    offer: Offer,
    market: Market,
    amount_at_stake_minor: int | None,
    rooms: list[Room],
    already: Compensation | None,
) -> OfferOption:
    """One offer and the first reason against granting its smallest amount."""
    counted = [] if offer.is_statutory else rooms
    refusal: Refusal | None = None
    try:
        allowed = scale.range_of(offer, amount_at_stake_minor)
    except Refusal as unpriced:
        return OfferOption(offer, rooms=counted, already=already, refusal=unpriced)
    bound = offer.approval_from_minor
    full = [room for room in counted if not room.holds(allowed.minimum)]
    if already is not None:
        refusal = AlreadyGranted(field="offer")
    elif market.issuance_stopped_at is not None:
        refusal = IssuanceStopped()
    elif bound is not None and allowed.minimum >= bound:
        refusal = NeedsApproval(field="amount_minor", extra={"approval_from": bound})
    elif full:
        refusal = limits.exceeded(full[0], allowed.minimum, market)
    return OfferOption(
        offer,
        allowed.minimum,
        allowed.default,
        allowed.maximum,
        counted,
        already,
        refusal,
    )


def room_for(staff: Staff, market: Market) -> list[Room]:
    """What a person's own limits leave now, tightest first."""
    mine = limits.limits_for(market=market, staff=staff)
    return [room for room in limits.rooms(mine) if room.scope in {"agent", "role", "team", "grant"}]


def visible_compensations(user: Staff | ApiClient) -> QuerySet[Compensation]:
    """Those of the markets where the person holds a reading role; none for clients."""
    rows = Compensation.objects.select_related("market", "incident", "offer", "granted_by")
    if isinstance(user, ApiClient):
        return rows.none()
    return rows.filter(market_id__in=user.markets_with(*READERS))


def can_void(compensation: Compensation, by: Staff) -> bool:
    """Whether the page should offer it; `void` decides again under locks."""
    if compensation.state != CompensationState.ISSUED:
        return False
    try:
        check_void_right(compensation, by)
    except Refusal:
        return False
    return True


def live_value(customer: Customer) -> QuerySet[Compensation]:
    """The customer's compensations that can still be used."""
    return Compensation.objects.filter(
        customer=customer, state=CompensationState.ISSUED, expires_at__gt=timezone.now()
    )
