"""Granting, voiding and reissuing: the acts that create and take back value.

Rows are locked in one order everywhere: incident and customer, coupon, compensation, then counters
by rank. Requests above a limit come with approvals; until then the act is refused with the room.
"""

import datetime as dt
import uuid
from functools import lru_cache

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Market, Staff
from accounts.states import Role
from audit.actions import event
from audit.models import AuditEvent
from common.errors import NotAllowed, NotFound, TransitionRefused
from common.money import format_money, share
from common.prepared import prepared
from common.rows import Batch, build, columns, insert
from common.windows import day_bounds, local_date
from delivery.actions import wake_on_commit
from delivery.models import Message
from delivery.states import MessageState
from incidents.actions import start_recovery
from incidents.models import Category, ContactPoint, Customer, Incident
from incidents.states import IncidentState

from .. import codes, ledger, limits, scale
from ..models import Compensation, Coupon, LedgerEntry, Offer
from ..refusals import (
    AlreadyGranted,
    IssuanceStopped,
    NeedsApproval,
    NotInScale,
    OutOfRange,
    SelfDealing,
    TooOften,
    VoidRefused,
)
from ..rights import check_void_right
from ..states import COUPON_KINDS, CompensationState, CouponState, OfferKind
from .sending import granted_message

LIVE_STATES = (
    CompensationState.REQUESTED,
    CompensationState.ISSUED,
    CompensationState.SETTLED,
)


@lru_cache(maxsize=1)
def _locking() -> str:
    parts = (
        (Incident, "incident"),
        (Customer, "customer"),
        (Market, "market"),
        (Category, "category"),
    )
    return (
        f"SELECT {', '.join(columns(model, alias) for model, alias in parts)} "  # noqa: S608
        "FROM incidents_incident incident "
        "JOIN incidents_customer customer ON customer.id = incident.customer_id "
        "JOIN accounts_market market ON market.id = incident.market_id "
        "JOIN incidents_category category ON category.id = incident.category_id "
        "WHERE incident.id = %s FOR NO KEY UPDATE OF incident, customer"
    )


def _lock_incident(incident_id: uuid.UUID) -> Incident:
    """The incident and its customer, locked; their market and category read along."""
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _locking()), [incident_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    found: Incident
    found, customer, market, category = build(row, Incident, Customer, Market, Category)
    found.customer, found.market, found.category = customer, market, category
    customer.market = market
    return found


@lru_cache(maxsize=1)
def _contact_query() -> str:
    return (
        f"SELECT {columns(ContactPoint, 'contact')}, EXISTS ("  # noqa: S608
        "SELECT 1 FROM accounts_staff staff "
        "WHERE staff.email_fingerprint = contact.fingerprint "
        "OR staff.phone_fingerprint = contact.fingerprint) "
        "FROM incidents_contactpoint contact "
        "WHERE contact.customer_id = %s AND contact.is_active ORDER BY contact.changed_at DESC"
    )


def _contacts(customer: Customer) -> list[ContactPoint]:
    """The customer's active contacts, the last changed first.

    Raises SelfDealing when a member of staff, of whatever market or past, has one of them.
    """
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _contact_query()), [customer.pk])
        rows = cursor.fetchall()
    if any(row[-1] for row in rows):
        raise SelfDealing
    return [build(row, ContactPoint)[0] for row in rows]


_RULES_NOW = """
SELECT (SELECT id FROM compensations_scaleversion
        WHERE market_id = %(market)s AND state = 'live'),
       ARRAY(SELECT id FROM compensations_issuancelimit
             WHERE market_id = %(market)s AND state = 'in_force')
"""


def _rules_now(market: Market) -> tuple[int | None, list[int]]:
    """Ids of the live version and of the limits in force, read after the locks were had."""
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _RULES_NOW), {"market": market.pk})
        version_id, in_force = cursor.fetchone()
    return version_id, in_force


def _check_frequency(offer: Offer, customer: Customer, reissue_of: Compensation | None) -> None:
    """Raises TooOften. The customer's row is locked, so two cases cannot slip past together."""
    if not offer.per_customer:
        return
    since = timezone.now() - dt.timedelta(days=offer.per_customer_days)
    given = Compensation.objects.filter(
        customer=customer,
        kind=offer.kind,
        offer__name_es=offer.name_es,
        state__in=[*LIVE_STATES, CompensationState.EXPIRED],
        created_at__gte=since,
    )
    if reissue_of is not None:
        given = given.exclude(pk=reissue_of.pk)
    if given.count() >= offer.per_customer:
        raise TooOften(
            extra={"times": offer.per_customer, "days": offer.per_customer_days}, field="offer"
        )


def _amount(offer: Offer, incident: Incident, amount_minor: int | None) -> int:
    """The amount to grant, checked against the offer's range. Raises OutOfRange, AmountNeeded."""
    allowed = scale.range_of(offer, incident.amount_at_stake_minor)
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


def _expiry(offer: Offer, market: Market, now: dt.datetime) -> dt.datetime:
    """The end of the last valid day in the market's local calendar."""
    last = local_date(now, market.time_zone) + dt.timedelta(days=offer.validity_days)
    return day_bounds(last, market.time_zone)[1]


@transaction.atomic
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
    LimitExceeded, IssuanceStopped, AlreadyGranted, TransitionRefused.
    """
    case = _lock_incident(incident.pk)
    market, customer = case.market, case.customer
    if not by.has_role(market, Role.AGENT, Role.SUPERVISOR):
        raise NotAllowed
    if market.issuance_stopped_at is not None:
        raise IssuanceStopped
    if case.state not in {IncidentState.OPEN, IncidentState.IN_RECOVERY}:
        raise TransitionRefused(_("This case is resolved. Reopen it to grant something more."))
    version_id, in_force = _rules_now(market)
    version = scale.version_of(version_id)
    if version is None:
        raise NotInScale(field="offer")
    rule = scale.rule_for(version, case.category, case.severity, customer.segment)
    if rule is None:
        raise NotInScale(field="offer")
    chosen = next((option for option in rule.offers.all() if option.pk == offer.pk), None)
    if chosen is None:
        raise NotInScale(field="offer")
    minor = _amount(chosen, case, amount_minor)
    if chosen.approval_from_minor is not None and minor >= chosen.approval_from_minor:
        raise NeedsApproval(
            field="amount_minor", extra={"approval_from": chosen.approval_from_minor}
        )
    contacts = _contacts(customer)
    _check_frequency(chosen, customer, reissue_of)

    now = timezone.now()
    compensation = Compensation(
        market=market,
        incident=case,
        customer=customer,
        version=version,
        rule=rule,
        offer=chosen,
        kind=chosen.kind,
        is_statutory=chosen.is_statutory,
        face_minor=minor,
        expected_cost_minor=share(minor, chosen.expected_cost_bp),
        currency=market.currency,
        granted_by=by,
        team_id=by.team_id,
        location_id=case.location_id,
        category=case.category,
        severity=case.severity,
        channel=case.channel,
        note=note,
        issued_at=now,
        expires_at=_expiry(chosen, market, now) if chosen.kind in COUPON_KINDS else None,
        reissue_of=reissue_of,
    )
    message = granted_message(compensation, contacts, channel)
    coupon = [_new_coupon(compensation, chosen)] if chosen.kind in COUPON_KINDS else []
    batch = Batch()
    batch.insert(
        compensation,
        *coupon,
        *ledger.on_issue(compensation),
        message,
        _granted_event(compensation, message, by),
    )
    start_recovery(incident=case, by=by, compensated=True, batch=batch)
    applicable = limits.NONE
    if not chosen.is_statutory:
        applicable = limits.limits_for(
            market=market, staff=by, customer=customer, incident=case, at=now, in_force=in_force
        )
    try:
        limits.take(compensation, applicable, market=market, batch=batch)
    except IntegrityError as error:
        if "compensation_once_per_offer" in str(error):
            raise AlreadyGranted(field="offer") from error
        raise
    if message.state == MessageState.QUEUED:
        wake_on_commit(message.pk)
    return compensation


def _new_coupon(compensation: Compensation, offer: Offer) -> Coupon:
    """An unsaved coupon with a fresh code, sealed for the customer."""
    assert compensation.expires_at is not None
    code = codes.new_code()
    coupon = Coupon(
        compensation=compensation,
        market_id=compensation.market_id,
        last_four=code[-4:],
        currency=compensation.currency,
        value_minor=compensation.face_minor,
        balance_minor=compensation.face_minor,
        keeps_balance=compensation.kind == OfferKind.GIFT_CARD,
        usable_at=offer.usable_at,
        expires_at=compensation.expires_at,
    )
    coupon.hash_key_id, coupon.code_hash = codes.current_hash(code)
    coupon.cipher_key_id, coupon.code_ciphertext = codes.seal(code, coupon.pk)
    return coupon


def _granted_event(compensation: Compensation, message: Message, by: Staff) -> AuditEvent:
    market = compensation.market
    return event(
        act="compensation.granted",
        by=by.as_actor(limits.acting_role(by, market)),
        object_kind="compensation",
        object_id=compensation.pk,
        about_id=compensation.incident_id,
        market_code=market.code,
        after={
            "kind": compensation.kind,
            "offer": compensation.offer.name_es,
            "face_minor": compensation.face_minor,
            "expected_cost_minor": compensation.expected_cost_minor,
            "currency": compensation.currency,
            "statutory": compensation.is_statutory,
            "scale": compensation.version.number,
            "channel": message.channel,
            "customer": str(compensation.customer_id),
            "reissue_of": str(compensation.reissue_of_id or ""),
        },
        reason=compensation.note,
    )


@transaction.atomic
def void(*, compensation: Compensation, reason: str, by: Staff) -> Compensation:
    """Takes back what was not redeemed: room restored once, ledger countered, coupon dead.

    Raises NotAllowed, VoidWindowOver, VoidRefused (redeemed in part or whole, or not issued).
    """
    now = timezone.now()
    coupon = Coupon.objects.select_for_update().filter(compensation=compensation.pk).first()
    row = (
        Compensation.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=compensation.pk)
    )
    check_void_right(row, by)
    if row.state != CompensationState.ISSUED:
        raise VoidRefused
    if coupon is not None:
        held = (
            coupon.state == CouponState.RESERVED
            and coupon.reserved_until is not None
            and coupon.reserved_until > now
        )
        if held or coupon.balance_minor != coupon.value_minor:
            raise VoidRefused
        coupon.state = CouponState.VOIDED
        coupon.code_ciphertext = None
        coupon.reserved_until = coupon.reserved_by = None
        coupon.save(update_fields=["state", "code_ciphertext", "reserved_until", "reserved_by"])
    row.state = CompensationState.VOIDED
    row.ended_at = now
    row.voided_by = by
    row.void_reason = reason
    row.save(update_fields=["state", "ended_at", "voided_by", "void_reason"])
    LedgerEntry.objects.bulk_create(ledger.on_void(row))
    insert(
        event(
            act="compensation.voided",
            by=by.as_actor(limits.acting_role(by, row.market)),
            object_kind="compensation",
            object_id=row.pk,
            about_id=row.incident_id,
            market_code=row.market.code,
            before={"state": CompensationState.ISSUED.value},
            after={"state": row.state.value, "face_minor": row.face_minor},
            reason=reason,
        )
    )
    limits.give_back(row.pk)
    return row


@transaction.atomic
def reissue(*, compensation: Compensation, reason: str, by: Staff) -> Compensation:
    """Voids a compensation and grants the same offer and amount again, with a new code.

    Both happen in this transaction or neither does. Raises what `void` and `grant` raise.
    """
    case = _lock_incident(compensation.incident_id)
    # Coupon and compensation before any counter, as everywhere.
    Coupon.objects.select_for_update().filter(compensation=compensation.pk).first()
    Compensation.objects.select_for_update(of=("self",)).get(pk=compensation.pk)
    limits.lock(
        compensation.pk,
        limits.limits_for(
            market=case.market, staff=by, customer=case.customer, incident=case, at=timezone.now()
        ),
    )
    old = void(compensation=compensation, reason=reason, by=by)
    return grant(
        incident=old.incident,
        offer=old.offer,
        amount_minor=old.face_minor,
        by=by,
        note=reason,
        reissue_of=old,
    )
