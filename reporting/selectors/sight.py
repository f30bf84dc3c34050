"""Whose figures a person sees: the one rule for every number, list, file and answer of issuance.

Finance and auditors see the market. A supervisor sees what was done in the teams they supervise,
by the team written in the row, so that numbers and lists agree whoever has moved since. Everybody
who works cases sees their own.
"""

from dataclasses import dataclass

from accounts.models import Market, Staff, Team
from accounts.states import Role
from common.errors import NotAllowed
from common.folding import Fold

WHOLE = (Role.FINANCE, Role.AUDITOR)
LOOKERS = (Role.SUPERVISOR, *WHOLE)
OWN = (Role.AGENT, Role.SUPERVISOR)
READERS = (Role.AGENT, *LOOKERS)


@dataclass(frozen=True, slots=True)
class Sight:
    """`teams` None is the whole market; `own` is the person alone, in whatever team."""

    market: Market
    staff: Staff
    teams: tuple[int, ...] | None = None
    own: bool = False

    @property
    def blind(self) -> bool:
        """A supervisor of no team in this market: there is nothing to see, and a reason."""
        return self.teams == ()


def sight_of(staff: Staff, market: Market, *, own: bool = False) -> Sight:
    """The widest sight that a person's roles give in a market, or their own alone.

    Raises NotAllowed.
    """
    if own or not staff.has_role(market, *LOOKERS):
        if not staff.has_role(market, *OWN):
            raise NotAllowed
        return Sight(market, staff, own=True)
    if staff.has_role(market, *WHOLE):
        return Sight(market, staff)
    return Sight(market, staff, teams=tuple(team.pk for team in _supervised(staff, market)))


def _supervised(staff: Staff, market: Market) -> list[Team]:
    return list(
        Team.objects.filter(market=market, supervisors=staff)
        .order_by(Fold("name"))
        .only("id", "name")
    )


def seen_teams(sight: Sight) -> list[Team]:
    """The teams that a filter may name."""
    if sight.own:
        return []
    teams = Team.objects.filter(market=sight.market).order_by(Fold("name")).only("id", "name")
    return list(teams if sight.teams is None else teams.filter(pk__in=sight.teams))
