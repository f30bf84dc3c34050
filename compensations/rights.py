"""Who may take back a compensation. Reads only; the acts check again under their locks."""

import datetime as dt

from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from common.errors import NotAllowed

from .models import Compensation
from .refusals import VoidWindowOver

# The granting agent may take back a slip of the hand for this long; afterwards a supervisor.
OWN_VOID_WINDOW = dt.timedelta(minutes=10)


def check_void_right(compensation: Compensation, by: Staff) -> None:
    """The granting person within ten minutes, or a supervisor of the team that granted.

    What somebody without a team granted, any other supervisor of the market may void.

    Raises NotAllowed or VoidWindowOver.
    """
    if by.has_role(compensation.market_id, Role.SUPERVISOR) and (
        compensation.granted_by_id != by.pk
        if compensation.team_id is None
        else compensation.team_id in by.supervised_team_ids
    ):
        return
    if compensation.granted_by_id != by.pk or not by.has_role(
        compensation.market_id, Role.AGENT, Role.SUPERVISOR
    ):
        raise NotAllowed
    if timezone.now() - compensation.created_at > OWN_VOID_WINDOW:
        raise VoidWindowOver
