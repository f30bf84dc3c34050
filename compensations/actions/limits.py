"""Changing issuance limits: proposed by one person, decided by another, never one's own."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Market, Staff, Team
from accounts.states import Role
from audit.actions import record
from common.errors import NotAllowed
from common.states import check_transition

from .. import limits
from ..models import IssuanceLimit
from ..states import LIMIT_TRANSITIONS, LimitScope, LimitState, LimitWindow, Measure

PROPOSERS = (Role.SUPERVISOR, Role.FINANCE)


def _require(by: Staff, market: Market, *roles: str) -> None:
    if not by.has_role(market, *roles):
        raise NotAllowed


def _record(limit: IssuanceLimit, act: str, by: Staff, before: str, reason: str) -> None:
    record(
        act=act,
        by=by.as_actor(),
        object_kind="limit",
        object_id=limit.pk,
        about_id=limit.for_staff_id or "",
        market_code=limit.market.code,
        before={"state": before, "cap": limit.replaces.cap if limit.replaces else None},
        after={
            "state": str(limit.state),
            "cap": limit.cap,
            "scope": limit.scope,
            "window": limit.window,
            "measure": limit.measure,
        },
        reason=reason,
    )


@transaction.atomic
def propose_limit(
    *,
    market: Market,
    scope: LimitScope,
    window: LimitWindow,
    measure: Measure,
    cap: int,
    reason: str,
    for_staff: Staff | None = None,
    for_team: Team | None = None,
    for_role: str = "",
    for_segment: str = "",
    by: Staff,
) -> IssuanceLimit:
    """Proposes a limit (minor units, or a count) in place of the one in force for the same target.

    Raises NotAllowed for one's own limit, or without the supervisor's or finance's role.
    """
    _require(by, market, *PROPOSERS)
    if for_staff is not None and for_staff.pk == by.pk:
        raise NotAllowed(_("Nobody changes their own limit."))
    target = {
        "market": market,
        "scope": scope,
        "window": window,
        "measure": measure,
        "for_staff": for_staff,
        "for_team": for_team,
        "for_role": for_role,
        "for_segment": for_segment,
    }
    current = IssuanceLimit.objects.filter(
        **{key: value for key, value in target.items() if value is not None},
        **{f"{key}__isnull": True for key, value in target.items() if value is None},
        state=LimitState.IN_FORCE,
    ).first()
    limit = IssuanceLimit.objects.create(
        **target, cap=cap, reason=reason, replaces=current, proposed_by=by
    )
    _record(limit, "limit.proposed", by, "", reason)
    return limit


def _decide(limit: IssuanceLimit, state: LimitState, by: Staff) -> IssuanceLimit:
    row = (
        IssuanceLimit.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=limit.pk)
    )
    _require(by, row.market, *PROPOSERS)
    if by.pk in {row.proposed_by_id, row.for_staff_id}:
        raise NotAllowed(_("Another person has to decide this limit."))
    check_transition(LIMIT_TRANSITIONS, row.state, state)
    row.state = state
    row.decided_at = timezone.now()
    row.decided_by = by
    return row


@transaction.atomic
def confirm_limit(*, limit: IssuanceLimit, by: Staff) -> IssuanceLimit:
    """Puts a proposed limit in force and retires the one it replaces; what was used stays used.

    Raises NotAllowed for the proposer and for the person it is about, TransitionRefused.
    """
    Market.objects.select_for_update().get(pk=limit.market_id)
    row = _decide(limit, LimitState.IN_FORCE, by)
    current = limits.in_force_instead_of(row)
    if current is not None:
        IssuanceLimit.objects.filter(pk=current.pk).update(state=LimitState.RETIRED)
        limits.carry_over(current, row)
    elif (general := limits.general_of(row)) is not None:
        limits.carry_over(general, row, subject=limits.target_subject(row))
    row.save(update_fields=["state", "decided_at", "decided_by"])
    _record(row, "limit.confirmed", by, LimitState.PROPOSED, row.reason)
    return row


@transaction.atomic
def reject_limit(*, limit: IssuanceLimit, reason: str, by: Staff) -> IssuanceLimit:
    """Turns a proposal down. Raises NotAllowed, TransitionRefused."""
    row = _decide(limit, LimitState.REJECTED, by)
    row.save(update_fields=["state", "decided_at", "decided_by"])
    _record(row, "limit.rejected", by, LimitState.PROPOSED, reason)
    return row


@transaction.atomic
def retire_limit(*, limit: IssuanceLimit, reason: str, by: Staff) -> IssuanceLimit:
    """Ends a limit that targets one person, team, role or segment; the general one holds again.

    Lifting a bound is a raise when the general one is wider, so only finance does it, and never for
    a limit they proposed. Raises NotAllowed, TransitionRefused.
    """
    row = (
        IssuanceLimit.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=limit.pk)
    )
    _require(by, row.market, Role.FINANCE)
    if by.pk in {row.proposed_by_id, row.for_staff_id}:
        raise NotAllowed(_("Another person has to decide this limit."))
    check_transition(LIMIT_TRANSITIONS, row.state, LimitState.RETIRED)
    row.state = LimitState.RETIRED
    row.save(update_fields=["state"])
    if (general := limits.general_of(row)) is not None:
        limits.carry_over(row, general)
    _record(row, "limit.retired", by, LimitState.IN_FORCE, reason)
    return row
