"""The lock of a market's rules: its live scale and its limits in force.

Whoever decides by the rules shares it from before they are read until the commit; whoever changes
them holds it alone. So a grant is pinned to the version that is live at its commit, and a version
goes live when no grant under the old one is under way. It is the first lock of every act: before
the market's row, cases, coupons and counters.

Both belong to the transaction and end with it.
"""

from django.conf import settings
from django.db import connection

from accounts.models import Market

# The first of the two keys: what the lock is for. The second is the market's id.
RULES = 5_001


def shared(market_id: str) -> str:
    """The lock as an expression of a larger statement, `market_id` being a column of it.

    A statement does not see what was committed while it waited: read the rules in the next one.
    """
    if "rules" in settings.GUARDS_OFF:
        return "TRUE"
    return f"pg_advisory_xact_lock_shared({RULES}, {market_id}::int)"


def share_rules(market: Market | int) -> None:
    """Waits for whoever is changing the market's rules, and keeps others from it."""
    _take("SELECT pg_advisory_xact_lock_shared(%s, %s::int)", market)


def hold_rules(market: Market | int) -> None:
    """Waits for every act under the market's present rules, and keeps new ones waiting."""
    _take("SELECT pg_advisory_xact_lock(%s, %s::int)", market)


def _take(statement: str, market: Market | int) -> None:
    if "rules" in settings.GUARDS_OFF:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement, [RULES, market if isinstance(market, int) else market.pk])
