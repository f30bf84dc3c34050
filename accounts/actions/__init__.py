"""Every write to people, places, roles and keys. One transaction and one audit row each.

`by` is the member of staff who acts, or the system's `audit.actions.Actor` for a command that an
operator runs. Nothing here decides about incidents or money.
"""

from .keys import (
    create_access_token,
    create_api_client,
    revoke_access_token,
    revoke_api_client,
    rotate_api_client_key,
)
from .people import (
    change_own_password,
    change_preferences,
    change_staff,
    create_staff,
    deactivate_staff,
    reactivate_staff,
    set_new_password,
)
from .places import (
    change_location,
    change_market,
    change_team,
    create_location,
    create_market,
    create_team,
    move_to_team,
    save_team,
    set_team_supervisors,
)
from .roles import end_role, grant_role

__all__ = [
    "change_location",
    "change_market",
    "change_own_password",
    "change_preferences",
    "change_staff",
    "change_team",
    "create_access_token",
    "create_api_client",
    "create_location",
    "create_market",
    "create_staff",
    "create_team",
    "deactivate_staff",
    "end_role",
    "grant_role",
    "move_to_team",
    "reactivate_staff",
    "revoke_access_token",
    "revoke_api_client",
    "rotate_api_client_key",
    "save_team",
    "set_new_password",
    "set_team_supervisors",
]
