"""Who may see and change which limit. Reads only; the acts ask again under their locks."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Market, Staff, Team
from accounts.states import Role
from common.errors import NotAllowed

from .models import IssuanceLimit
from .states import LimitState

READERS = (Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
CHANGERS = (Role.SUPERVISOR, Role.FINANCE)
OVERSEERS = (Role.FINANCE, Role.AUDITOR)
GRANTERS = (Role.AGENT, Role.SUPERVISOR)


def leads(by: Staff, person: Staff, market: Market | int) -> bool:
    """Whether `by` supervises the person's team; whoever has no team, any supervisor leads."""
    if not by.has_role(market, Role.SUPERVISOR) or by.pk == person.pk:
        return False
    return person.team_id is None or person.team_id in by.supervised_team_ids


def check_change(
    *, market: Market, for_staff: Staff | None, for_team: Team | None, by: Staff
) -> None:
    """Whether `by` may propose or decide a limit with this target.

    Supervisors change those of their people and the budgets of their teams, finance every other
    one too; nobody changes a limit of their own, nor one for everybody that holds for them as well.
    Raises NotAllowed.
    """
    if not by.has_role(market, *CHANGERS):
        raise NotAllowed
    if for_staff is not None and for_staff.pk == by.pk:
        raise NotAllowed(_("Nobody changes their own limit."))
    if for_staff is not None and leads(by, for_staff, market):
        return
    if (
        for_team is not None
        and by.has_role(market, Role.SUPERVISOR)
        and for_team.pk in by.supervised_team_ids
    ):
        return
    if not by.has_role(market, Role.FINANCE):
        raise NotAllowed(_("Supervisors change limits of their own people and teams."))
    held = for_staff is None and (for_team is None or for_team.pk == by.team_id)
    if held and by.has_role(market, *GRANTERS):
        raise NotAllowed(_("This limit holds for your own grants too: somebody else changes it."))


def may_change(limit: IssuanceLimit, by: Staff) -> bool:
    """Whether a page should offer `by` a change of what this limit bounds."""
    try:
        check_change(market=limit.market, for_staff=limit.for_staff, for_team=limit.for_team, by=by)
    except NotAllowed:
        return False
    return True


def may_decide(limit: IssuanceLimit, by: Staff) -> bool:
    """Whether `by` may confirm or reject the proposal: within their reach, and not their own."""
    return limit.proposed_by_id != by.pk and may_change(limit, by)


def visible_limits(user: Staff) -> QuerySet[IssuanceLimit]:
    """Finance and auditors see every limit of their markets; supervisors those for everybody,

    for a role or a segment, and those of their people and teams.
    """
    rows = IssuanceLimit.objects.select_related(
        "market",
        "for_staff",
        "for_team",
        "proposed_by",
        "decided_by",
        "ended_by",
        "replaces",
    )
    teams = user.supervised_team_ids
    led = Q(for_staff=None) | Q(for_staff__team=None) | Q(for_staff__team__in=teams)
    led &= Q(for_team=None) | Q(for_team__in=teams)
    return rows.filter(
        Q(market_id__in=user.markets_with(*OVERSEERS))
        | (Q(market_id__in=user.markets_with(Role.SUPERVISOR)) & led)
    )


def visible_people(user: Staff, market: Market) -> QuerySet[Staff]:
    """Who grants in the market now and whose limits `user` may see."""
    rows = Staff.objects.filter(
        is_active=True,
        role_grants__market=market,
        role_grants__role__in=GRANTERS,
        role_grants__ended_at=None,
    ).distinct()
    if user.has_role(market, *OVERSEERS):
        return rows
    if user.has_role(market, Role.SUPERVISOR):
        return rows.filter(Q(team=None) | Q(team__in=user.supervised_team_ids))
    return rows.none()


def visible_limit_teams(user: Staff, market: Market) -> QuerySet[Team]:
    """The active teams of the market whose budgets `user` may see."""
    rows = Team.objects.filter(market=market, is_active=True)
    if user.has_role(market, *OVERSEERS):
        return rows
    if user.has_role(market, Role.SUPERVISOR):
        return rows.filter(pk__in=user.supervised_team_ids)
    return rows.none()


def limits_waiting(user: Staff, market: Market) -> int:
    """How many proposals of the market wait for `user`: neither theirs nor about them."""
    if not user.has_role(market, *CHANGERS):
        return 0
    return (
        visible_limits(user)
        .filter(market=market, state=LimitState.PROPOSED)
        .exclude(proposed_by=user)
        .exclude(for_staff=user)
        .count()
    )
