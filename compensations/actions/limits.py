"""Changing issuance limits: proposed by one person, decided by another, never one's own.

Two people for a lowering as well as for a raise: the database asks it of every change, and a bound
that one person could lower alone would be a way to keep a colleague from working.
"""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Market, Staff, Team
from accounts.states import Role
from audit.actions import record
from common.errors import InvalidInput, NotAllowed
from common.money import MAX_MINOR
from common.states import check_transition

from .. import limit_succession
from ..limit_rights import check_change
from ..locks import hold_rules
from ..models import IssuanceLimit
from ..refusals import LimitChanged
from ..states import LIMIT_TRANSITIONS, LimitScope, LimitState, LimitWindow, Measure

MAX_COUNT = 1_000_000
# Which scopes may be for one person, team, role or segment instead of everybody.
TARGETS: dict[str, tuple[LimitScope, ...]] = {
    "for_staff": (LimitScope.AGENT, LimitScope.GRANT),
    "for_team": (LimitScope.TEAM,),
    "for_role": (LimitScope.ROLE, LimitScope.GRANT),
    "for_segment": (LimitScope.CUSTOMER,),
}


def _record(limit: IssuanceLimit, act: str, by: Staff, before: str, reason: str) -> None:
    finance = by.has_role(limit.market, Role.FINANCE)
    record(
        act=act,
        by=by.as_actor(Role.FINANCE if finance else Role.SUPERVISOR),
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


def _need_reason(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput(_("Write why: others will read it here."), field="reason")
    return reason.strip()


def _check_shape(
    scope: str, window: str, measure: str, cap: int, targets: Mapping[str, object]
) -> None:
    """What the constraints ask, said in words. Raises InvalidInput."""
    given = [name for name, value in targets.items() if value]
    if any(scope not in TARGETS[name] for name in given) or len(given) > 1:
        raise InvalidInput(_("A limit of this kind cannot be for this."), field="target")
    if scope == LimitScope.GRANT and (window, measure) != (LimitWindow.EACH, Measure.AMOUNT):
        raise InvalidInput(_("One grant is bounded by its amount."), field="kind")
    if not 0 <= cap <= (MAX_MINOR if measure == Measure.AMOUNT else MAX_COUNT):
        raise InvalidInput(_("This number is out of range."), field="cap")


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

    Raises NotAllowed as `limit_rights.check_change` does, InvalidInput.
    """
    check_change(market=market, for_staff=for_staff, for_team=for_team, by=by)
    reason = _need_reason(reason)
    target = {
        "for_staff": for_staff,
        "for_team": for_team,
        "for_role": for_role,
        "for_segment": for_segment,
    }
    _check_shape(scope, window, measure, cap, target)
    if for_staff is not None and not for_staff.has_role(market, Role.AGENT, Role.SUPERVISOR):
        raise InvalidInput(_("This person does not grant in this market."), field="target")
    if for_team is not None and for_team.market_id != market.pk:
        raise InvalidInput(_("This team works in another market."), field="target")
    limit = IssuanceLimit(
        market=market,
        scope=scope,
        window=window,
        measure=measure,
        cap=cap,
        reason=reason,
        proposed_by=by,
        **target,
    )
    limit.replaces = limit_succession.in_force_instead_of(limit)
    if limit.replaces is not None and limit.replaces.cap == cap:
        raise InvalidInput(_("The limit is already this high."), field="cap")
    limit.save(force_insert=True)
    _record(limit, "limit.proposed", by, "", reason)
    return limit


def _locked(limit: IssuanceLimit) -> IssuanceLimit:
    return (
        IssuanceLimit.objects.select_for_update(of=("self",))
        .select_related("market", "for_staff", "for_team", "replaces")
        .get(pk=limit.pk)
    )


def _decide(limit: IssuanceLimit, state: LimitState, by: Staff) -> IssuanceLimit:
    row = _locked(limit)
    check_change(market=row.market, for_staff=row.for_staff, for_team=row.for_team, by=by)
    if by.pk == row.proposed_by_id:
        raise NotAllowed(_("Another person has to decide this limit."))
    check_transition(LIMIT_TRANSITIONS, row.state, state)
    row.state = state
    row.decided_at = timezone.now()
    row.decided_by = by
    return row


@transaction.atomic
def confirm_limit(*, limit: IssuanceLimit, by: Staff) -> IssuanceLimit:
    """Puts a proposed limit in force and retires the one it replaces; what was used stays used.

    It holds from the next grant on. A cap below what is used leaves no room and takes nothing back.
    Raises NotAllowed for the proposer, the person it is about and whoever may not change it,
    LimitChanged when what it was to replace is no longer what is in force, TransitionRefused.
    """
    hold_rules(limit.market_id)
    row = _decide(limit, LimitState.IN_FORCE, by)
    current = limit_succession.in_force_instead_of(row)
    if (current.pk if current else None) != row.replaces_id:
        raise LimitChanged
    if current is not None:
        IssuanceLimit.objects.filter(pk=current.pk).update(
            state=LimitState.RETIRED, ended_at=row.decided_at, ended_by=by
        )
    row.save(update_fields=["state", "decided_at", "decided_by"])
    _record(row, "limit.confirmed", by, LimitState.PROPOSED, row.reason)
    return row


@transaction.atomic
def reject_limit(*, limit: IssuanceLimit, reason: str, by: Staff) -> IssuanceLimit:
    """Turns a proposal down. Raises NotAllowed, InvalidInput (no reason), TransitionRefused."""
    reason = _need_reason(reason)
    row = _decide(limit, LimitState.REJECTED, by)
    row.save(update_fields=["state", "decided_at", "decided_by"])
    _record(row, "limit.rejected", by, LimitState.PROPOSED, reason)
    return row


@transaction.atomic
def withdraw_limit(*, limit: IssuanceLimit, by: Staff) -> IssuanceLimit:
    """Takes one's own proposal back. Raises NotAllowed for others', TransitionRefused."""
    row = _locked(limit)
    if by.pk != row.proposed_by_id:
        raise NotAllowed
    check_transition(LIMIT_TRANSITIONS, row.state, LimitState.WITHDRAWN)
    row.state = LimitState.WITHDRAWN
    row.ended_at = timezone.now()
    row.ended_by = by
    row.save(update_fields=["state", "ended_at", "ended_by"])
    _record(row, "limit.withdrawn", by, LimitState.PROPOSED, "")
    return row


@transaction.atomic
def retire_limit(*, limit: IssuanceLimit, reason: str, by: Staff) -> IssuanceLimit:
    """Ends a limit that targets one person, team, role or segment; the general one holds again.

    Finance does it, never for a limit they proposed, and only where the general one is not wider:
    anything else would be a raise by one person. Raises NotAllowed, InvalidInput without a reason,
    LimitChanged where it would widen, TransitionRefused.
    """
    reason = _need_reason(reason)
    hold_rules(limit.market_id)
    row = _locked(limit)
    check_change(market=row.market, for_staff=row.for_staff, for_team=row.for_team, by=by)
    if not by.has_role(row.market, Role.FINANCE) or by.pk == row.proposed_by_id:
        raise NotAllowed(_("Another person of finance has to lift this limit."))
    check_transition(LIMIT_TRANSITIONS, row.state, LimitState.RETIRED)
    general = limit_succession.general_of(row)
    if general is None or general.cap > row.cap:
        raise LimitChanged(
            _("Without it there would be more room: propose a higher limit instead.")
        )
    row.state = LimitState.RETIRED
    row.ended_at = timezone.now()
    row.ended_by = by
    row.save(update_fields=["state", "ended_at", "ended_by"])
    _record(row, "limit.retired", by, LimitState.IN_FORCE, reason)
    return row
