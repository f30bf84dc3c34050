"""The lock of a market's rules: its live scale and its limits in force.

Whoever decides by the rules holds them still, together with others, from before they are read until
the commit; whoever changes them waits for all of those and keeps new ones waiting. So a grant is
pinned to the version that is live at its commit. It is the first lock of every act, before cases,
coupons and counters.

Both belong to the transaction and end with it.
"""

import uuid

from django.conf import settings
from django.db import connection

# The first of the two keys: what the lock is for. The second is the market's id.
RULES = 5_001

_HOLD = f"SELECT pg_advisory_xact_lock_shared({RULES}, %s::int)"
_CHANGE = f"SELECT pg_advisory_xact_lock({RULES}, %s::int)"
_HOLD_OF = (
    f"SELECT pg_advisory_xact_lock_shared({RULES}, market_id::int) "  # noqa: S608
    "FROM incidents_incident WHERE id = %s"
)


def hold_rules(market_id: int) -> None:
    """Waits for whoever is changing the market's rules, and keeps them as they are."""
    _take(_HOLD, market_id)


def holding_rules_of(incident_id: uuid.UUID) -> tuple[str, list[uuid.UUID]]:
    """The same for the market of a case, as a statement and its values to send with another.

    A statement does not see what was committed while it waited: the rules are read by a later one.
    """
    return _HOLD_OF, [incident_id]


def change_rules(market_id: int) -> None:
    """Waits for every act under the market's present rules, and keeps new ones waiting."""
    _take(_CHANGE, market_id)


def _take(statement: str, market_id: int) -> None:
    if "rules" in settings.GUARDS_OFF:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement, [market_id])
