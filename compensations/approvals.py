"""Requests and who may decide them: the content that an approval binds, its level, why not.

Reads only; `actions.requesting` and `actions.deciding` ask again under their locks.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import Market, Staff
from accounts.states import Role
from common.errors import NotAllowed, Refusal
from common.money import format_money
from incidents.models import ContactPoint, Incident
from incidents.states import IncidentState

from . import limits
from .limits import Room
from .models import Approval, Compensation
from .refusals import AboveAuthority, AlreadyDecided, OwnRequest, WaitsForFinance
from .states import ApprovalState, LapseReason, Measure

SUPERVISOR_LEVEL, FINANCE_LEVEL = 1, 2
# The reasons why something is a request, as they stand in the content.
BECAUSE_SCALE, BECAUSE_LIMIT = "scale", "limit"


# --- what is bound -----------------------------------------------------------------------------


def content_of(
    compensation: Compensation, case: Incident, because: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything that a yes is a yes to, as it stands now; `case` has its customer loaded.

    Amounts are minor units of `currency`. `because` is what made it a request, kept for whoever
    decides.
    """
    return {
        "compensation": str(compensation.pk),
        "amount": compensation.face_minor,
        "currency": compensation.currency,
        "customer": str(case.customer_id),
        "incident": str(case.pk),
        "offer": compensation.offer_id,
        "version": compensation.version_id,
        "category": case.category_id,
        "severity": case.severity,
        "amount_at_stake": case.amount_at_stake_minor,
        "segment": case.customer.segment,
        "because": [dict(one) for one in because],
    }


def content_hash(content: Mapping[str, Any]) -> bytes:
    """32 bytes over the canonical JSON of a content: sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def reasons_for(
    *, offer_bound: int | None, rooms: Iterable[Room], minor: int
) -> list[dict[str, Any]]:
    """What keeps one person from granting `minor` alone; empty when nothing does."""
    found: list[dict[str, Any]] = []
    if offer_bound is not None and minor >= offer_bound:
        found.append({"kind": BECAUSE_SCALE, "from": offer_bound})
    found += [
        {
            "kind": BECAUSE_LIMIT,
            "scope": str(room.scope),
            "window": str(room.window),
            "measure": str(room.measure),
            "cap": room.cap,
            "left": room.left,
        }
        for room in rooms
        if room.is_personal and not room.holds(minor)
    ]
    return found


def lapse_reason(
    approval: Approval, compensation: Compensation, case: Incident, live_version: int | None
) -> LapseReason | None:
    """Why the request can no longer be decided as it was asked; None while it can.

    `case` has its customer, `compensation` its requester; ids are those of the live version now.
    """
    if approval.lapses_at <= timezone.now():
        return LapseReason.TIME
    if case.state not in {IncidentState.OPEN, IncidentState.IN_RECOVERY}:
        return LapseReason.RESOLVED
    if compensation.version_id != live_version:
        return LapseReason.SCALE
    if not compensation.granted_by.has_role(case.market_id, Role.AGENT, Role.SUPERVISOR):
        return LapseReason.REQUESTER
    because = approval.content.get("because", [])
    if content_hash(content_of(compensation, case, because)) != bytes(approval.content_hash):
        return LapseReason.CASE
    return None


# --- who decides -------------------------------------------------------------------------------


def deciders(market: Market, team_id: int | None, *but: uuid.UUID | None) -> list[Staff]:
    """The supervisors who may decide for a team, or of the whole market for none; without `but`."""
    rows = Staff.objects.filter(
        is_active=True,
        role_grants__market=market,
        role_grants__role=Role.SUPERVISOR,
        role_grants__ended_at=None,
    ).exclude(pk__in=[pk for pk in but if pk is not None])
    if team_id is not None:
        rows = rows.filter(supervised_teams=team_id)
    return list(rows.distinct())


def first_level(compensation: Compensation, case: Incident, in_force: Sequence[int]) -> int:
    """Supervisors, where one of them could grant this amount alone; else finance at once.

    `in_force` are the ids of the market's limits. Law-bound value has no limit to be above of.
    """
    able = deciders(
        case.market, compensation.team_id, compensation.granted_by_id, case.logged_by_id
    )
    for supervisor in able:
        single = limits.limits_for(
            market=case.market, staff=supervisor, in_force=in_force, role=Role.SUPERVISOR
        ).single
        if compensation.is_statutory or all(
            compensation.face_minor <= limit.cap for limit in single
        ):
            return SUPERVISOR_LEVEL
    return FINANCE_LEVEL


def deciding_role(approval: Approval, compensation: Compensation, by: Staff) -> str:
    """The role in which a person would decide it. Raises NotAllowed, WaitsForFinance."""
    market = approval.market_id
    supervises = by.has_role(market, Role.SUPERVISOR) and (
        compensation.team_id is None or compensation.team_id in by.supervised_team_ids
    )
    if supervises and approval.level == SUPERVISOR_LEVEL:
        return Role.SUPERVISOR
    if by.has_role(market, Role.FINANCE):
        return Role.FINANCE
    raise WaitsForFinance if supervises else NotAllowed


def check_decider(
    approval: Approval,
    compensation: Compensation,
    case: Incident,
    *,
    by: Staff,
    earlier: Collection[uuid.UUID],
    contact_authors: Collection[uuid.UUID],
) -> str:
    """The role in which `by` decides. `earlier` are the ids of who agreed at another level.

    Raises NotAllowed, WaitsForFinance, OwnRequest.
    """
    role = deciding_role(approval, compensation, by)
    if by.pk in {approval.requested_by_id, compensation.granted_by_id}:
        raise OwnRequest
    if by.pk == case.logged_by_id:
        raise OwnRequest(_("You logged this case, so another person decides its request."))
    if by.pk in contact_authors:
        raise OwnRequest(
            _("You wrote the contact that the coupon would go to, so another person decides.")
        )
    if by.pk in earlier:
        raise OwnRequest(_("You agreed to this as a supervisor; the second yes is another's."))
    return role


def contact_authors(customers: Iterable[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Who last changed an active contact of each customer, by the customer's id."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for customer, author in ContactPoint.objects.filter(
        customer__in=list(customers), is_active=True
    ).values_list("customer_id", "changed_by_id"):
        if author is not None:
            found.setdefault(customer, set()).add(author)
    return found


def earlier_deciders(compensations: Iterable[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Who agreed at another level, by the compensation's id."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for compensation, decider in Approval.objects.filter(
        compensation__in=list(compensations), state=ApprovalState.APPROVED
    ).values_list("compensation_id", "decided_by_id"):
        if decider is not None:
            found.setdefault(compensation, set()).add(decider)
    return found


def addressed_to(by: Staff, market: Market) -> Q:
    """Those requests of a market that a person decides by role; whose they are is not asked."""
    wanted = Q(pk__in=[])
    if by.has_role(market, Role.SUPERVISOR):
        teams = by.supervised_team_ids
        wanted |= Q(level=SUPERVISOR_LEVEL) & (
            Q(compensation__team=None) | Q(compensation__team__in=teams)
        )
    if by.has_role(market, Role.FINANCE):
        wanted |= Q(level__in=[SUPERVISOR_LEVEL, FINANCE_LEVEL])
    return wanted


# --- in words ----------------------------------------------------------------------------------


def already_decided(approval: Approval) -> Refusal:
    """Who was first, how and when; in the reader's language and the active time zone."""
    moment = approval.decided_at or approval.closed_at or timezone.now()
    values = {
        "state": str(ApprovalState(approval.state).label).lower(),
        "at": date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT"),
        "name": approval.decided_by.name if approval.decided_by else "",
    }
    if approval.decided_by is None:
        message = _("This request is no longer waiting: %(state)s on %(at)s.") % values
    else:
        message = _("%(name)s decided this on %(at)s: %(state)s.") % values
    return AlreadyDecided(
        message,
        extra={
            "state": approval.state,
            "decided_by": approval.decided_by.username if approval.decided_by else None,
            "decided_at": moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z"),
        },
    )


def above_authority(room: Room, minor: int, market: Market, *, role: str) -> Refusal:
    """A yes that the decider's own limits do not hold, and what to do instead."""
    values = {
        "limit": capfirst(room.name),
        "left": format_money(room.left, market.currency, market.locale),
        "needed": format_money(minor, market.currency, market.locale),
        "cap": room.cap,
    }
    if room.measure == Measure.AMOUNT:
        message = _("Above your authority. %(limit)s leaves %(left)s and this needs %(needed)s.")
    else:
        message = _("Above your authority. %(limit)s is used up, %(cap)s compensations.")
    if role == Role.SUPERVISOR:
        then = _("Endorse it and pass it to finance.")
    else:
        then = _("Another person of finance decides it.")
    extra = {**limits.facts_of(room, market), "pass_up": role == Role.SUPERVISOR}
    return AboveAuthority(f"{message % values} {then}", extra=extra)
