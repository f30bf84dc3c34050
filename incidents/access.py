"""Who may write what here: one place that names the roles and scopes, and turns a person or a
client into the actor of an audit row. Who may read is `visible_customers` and `visible_incidents`.
"""

from accounts.models import ApiClient, Market, Staff
from accounts.states import Role, Scope
from audit.actions import Actor
from common.errors import NotAllowed

READERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
WRITERS = (Role.AGENT, Role.SUPERVISOR)
COMMENTERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE)
# Never the agent who grants: a segment raises what may be offered.
SEGMENTERS = (Role.FINANCE,)


def authorise(
    by: Staff | ApiClient, market: Market | int, *roles: str, scope: str | None = None
) -> Actor:
    """The actor for the audit row. Raises NotAllowed without one of `roles`, or `scope`, there."""
    market_id = market if isinstance(market, int) else market.pk
    if isinstance(by, ApiClient):
        if scope is None or by.market_id != market_id or scope not in by.scopes:
            raise NotAllowed
        return by.as_actor()
    held = by.role_map.get(market_id, frozenset()) if by.is_active else frozenset()
    role = next((role for role in roles if role in held), None)
    if role is None:
        raise NotAllowed
    return by.as_actor(str(role))


def readable_markets(user: object) -> list[int]:
    """Ids of the markets whose customers and incidents the member of staff may read."""
    return user.markets_with(*READERS) if isinstance(user, Staff) else []


def client_may(user: object, scope: Scope) -> bool:
    return isinstance(user, ApiClient) and scope in user.scopes
