"""Reads: offers with their room before the agent chooses, compensations a person may see."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiClient, Market, Staff
from accounts.states import Role
from common.errors import Refusal
from common.money import share
from incidents.models import Category, Customer, Incident
from incidents.states import IncidentState

from . import approvals, limits, refunds, scale
from .limits import Room
from .models import Approval, Compensation, Offer, ScaleRule, ScaleVersion
from .refusals import AlreadyGranted, IssuanceStopped, NeedsApproval, TooOften
from .rights import check_void_right
from .sharing import check_frequency, others_with_contacts_of
from .states import ASKED_AGAIN, HOLDING, REFUND_KINDS, ApprovalState, CompensationState, Measure

READERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)


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
    # The most that the person may grant alone, and the most that anybody's yes could give.
    alone_minor: int = 0
    most_minor: int = 0

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
        """Whether some amount of it may be granted alone."""
        return self.refusal is None

    @property
    def requestable(self) -> bool:
        """Whether a second person may give what this one may not, at some amount of it."""
        if self.refusal is not None:
            return self.refusal.extra.get("request") is True
        return self.alone_minor < self.most_minor

    @property
    def asks(self) -> bool:
        """Whether its usual amount is more than the person may grant alone."""
        return self.requestable and self.default_minor > self.alone_minor


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
        row.offer_key: row
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
    held: dict[str, Compensation],
) -> OfferCard:
    version = scale.live_version(market)
    segment = customer.segment if customer else "standard"
    rule = scale.rule_for(version, category, severity, segment) if version else None
    if rule is None:
        return OfferCard(version, None, [])
    rooms: list[Room] = []
    offers = list(rule.offers.all())
    often: dict[int, Refusal] = {}
    if by is not None:
        applicable = limits.limits_for(
            market=market, staff=by, customer=customer, incident=incident
        )
        if customer is not None:
            bounded = [offer for offer in offers if offer.per_customer]
            if bounded or applicable.counts_customer():
                sharing = others_with_contacts_of(customer)
                applicable = applicable.together_with(sharing)
                often = _too_often(bounded, customer, sharing)
        rooms = limits.rooms(applicable)
    refunded = refunds.refunded_in(held.values())
    return OfferCard(
        version,
        rule,
        [
            _option(
                offer,
                market,
                amount_at_stake_minor,
                refunded,
                rooms,
                held.get(offer.key),
                often.get(offer.pk),
            )
            for offer in offers
        ],
    )


def _too_often(
    offers: Sequence[Offer], customer: Customer, sharing: Collection[uuid.UUID]
) -> dict[int, Refusal]:
    """By offer's id those that the customer, or one with the same contact, had often enough."""
    found: dict[int, Refusal] = {}
    for offer in offers:
        try:
            check_frequency(offer, customer, sharing)
        except TooOften as refusal:
            found[offer.pk] = refusal
    return found


def _option(
    offer: Offer,
    market: Market,
    amount_at_stake_minor: int | None,
    refunded: int,
    rooms: list[Room],
    already: Compensation | None,
    too_often: Refusal | None,
) -> OfferOption:
    """One offer and the first reason against granting its smallest amount."""
    counted = [] if offer.is_statutory else rooms
    refusal: Refusal | None = None
    try:
        allowed = scale.range_of(offer, amount_at_stake_minor)
    except Refusal as unpriced:
        return OfferOption(offer, rooms=counted, already=already, refusal=unpriced)
    most = allowed.maximum
    if offer.kind in REFUND_KINDS and amount_at_stake_minor is not None:
        most = min(most, amount_at_stake_minor - refunded)
    bound = offer.approval_from_minor
    full = limits.blocking(counted, allowed.minimum)
    needs = bound is not None and allowed.minimum >= bound
    if already is not None:
        waits = already.state == CompensationState.REQUESTED
        words = _("This offer is waiting for approval on this case.") if waits else None
        refusal = AlreadyGranted(words, field="offer")
    elif market.issuance_stopped_at is not None:
        refusal = IssuanceStopped()
    elif too_often is not None:
        refusal = too_often
    elif most < allowed.minimum:
        refusal = refunds.above_stake(amount_at_stake_minor or 0, refunded, market)
    elif full and not (needs and full[0].is_personal):
        least = allowed.minimum
        refusal = limits.exceeded(full[0], least, market, least_minor=least)
    elif needs:
        refusal = NeedsApproval(
            field="amount_minor", extra={"approval_from": bound, "request": True}
        )
    most = _bounded(most, [room for room in counted if not room.is_personal])
    alone = _bounded(most, counted)
    if bound is not None:
        alone = min(alone, bound - 1)
    return OfferOption(
        offer,
        allowed.minimum,
        allowed.default,
        allowed.maximum,
        counted,
        already,
        refusal,
        alone,
        most,
    )


def _bounded(minor: int, rooms: list[Room]) -> int:
    """`minor`, or less where a limit leaves less; -1 where one leaves no compensation at all."""
    for room in rooms:
        if room.measure == Measure.AMOUNT:
            minor = min(minor, room.left)
        elif room.left == 0:
            return -1
    return minor


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


def visible_approvals(user: Staff | ApiClient) -> QuerySet[Approval]:
    """Finance and auditors: their markets'. Supervisors: their teams' and those of no team.

    Everybody who grants: what they asked for themselves. Clients see none.
    """
    rows = Approval.objects.select_related(
        "market",
        "requested_by",
        "decided_by",
        "compensation__offer",
        "compensation__incident",
        "compensation__customer",
        "compensation__category",
        "compensation__team",
        "compensation__granted_by",
        "compensation__version",
    )
    if isinstance(user, ApiClient):
        return rows.none()
    supervised = Q(compensation__team=None) | Q(compensation__team__in=user.supervised_team_ids)
    return rows.filter(
        Q(market__in=user.markets_with(Role.FINANCE, Role.AUDITOR))
        | Q(supervised, market__in=user.markets_with(Role.SUPERVISOR))
        | Q(requested_by=user, market__in=user.markets_with(*READERS))
    )


def waiting_approvals(user: Staff | ApiClient) -> QuerySet[Approval]:
    """Those still to be decided, the oldest first; not each of them by this person."""
    return (
        visible_approvals(user).filter(state=ApprovalState.PENDING).order_by("requested_at", "id")
    )


def ended_by_itself(by: Staff, market: Market) -> QuerySet[Approval]:
    """What a person asked for that nobody decided and they can still ask for again.

    The case is open and holds nothing of the kind: neither another request nor what was asked.
    """
    again = Compensation.objects.filter(
        incident=OuterRef("compensation__incident"),
        offer_key=OuterRef("compensation__offer_key"),
        state__in=HOLDING,
    )
    return Approval.objects.filter(
        ~Exists(again),
        requested_by=by,
        market=market,
        state=ApprovalState.LAPSED,
        decision_reason__in=ASKED_AGAIN,
        compensation__incident__state__in=[IncidentState.OPEN, IncidentState.IN_RECOVERY],
    )


def waiting_in(market: Market) -> int:
    """How many requests wait: another version of the scale ends all of them."""
    return Approval.objects.filter(market=market, state=ApprovalState.PENDING).count()


def approvals_to_decide(by: Staff, market: Market) -> QuerySet[Approval]:
    """Waiting requests of a market that are addressed to the person and not their own."""
    return (
        Approval.objects.filter(market=market, state=ApprovalState.PENDING)
        .filter(approvals.addressed_to(by, market))
        .exclude(requested_by=by)
    )


def decidable(approval: Approval, by: Staff) -> bool:
    """Whether the page should offer it; the decision is checked again under locks."""
    return why_not_decidable(approval, by) is None


def why_not_decidable(
    approval: Approval,
    by: Staff,
    *,
    earlier: Mapping[uuid.UUID, Collection[uuid.UUID]] | None = None,
    authors: Mapping[uuid.UUID, Collection[uuid.UUID]] | None = None,
) -> Refusal | None:
    """What keeps the person from deciding a request; the two tables may be read for many at once.

    They are those of `approvals.earlier_deciders` and `approvals.contact_authors`.
    """
    row = approval.compensation
    if approval.state != ApprovalState.PENDING:
        return approvals.already_decided(approval)
    if earlier is None:
        earlier = approvals.earlier_deciders([row.pk])
    if authors is None:
        authors = approvals.contact_authors([row.customer_id])
    try:
        approvals.check_decider(
            approval,
            row,
            row.incident,
            by=by,
            earlier=earlier.get(row.pk, ()),
            contact_authors=authors.get(row.customer_id, ()),
        )
    except Refusal as refusal:
        return refusal
    return None


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
