"""Locks that no row stands for: a market's rules, and the contacts that customers share.

The lock of the rules is of the market's live scale and its limits in force.

Whoever decides by the rules shares it from before they are read until the commit; whoever changes
them holds it alone. So a grant is pinned to the version that is live at its commit, and a version
goes live when no grant under the old one is under way. It is the first lock of every act: before
the market's row, cases, coupons and counters.

The lock of a contact keeps two customers who share one from being granted something side by side:
what bounds a customer counts what the others got. It comes after incident and customer.

All belong to the transaction and end with it.
"""

from django.conf import settings
from django.db import connection

from accounts.models import Market

# The first of the two keys: what the lock is for. The second is the market's id.
RULES = 5_001
# As before; the second is a hash of the contact.
CONTACT = 5_002
# 5_003 is held by the database while a market gets the first limit of a kind.


def shared(market_id: str) -> str:
    """The lock as an expression of a larger statement, `market_id` being a column of it.

    A statement does not see what was committed while it waited: read the rules in the next one.
    """
    if "rules" in settings.GUARDS_OFF:
        return "TRUE"
    return f"pg_advisory_xact_lock_shared({RULES}, {market_id}::int)"


def contacts_held() -> str:
    """A statement that holds the active contacts of the customer of a case, whose id it takes.

    In the order of their hashes, so that two customers who share several wait in one line. Read
    what was given to others in a later statement.
    """
    if "contacts" in settings.GUARDS_OFF:
        return "SELECT TRUE FROM incidents_incident WHERE id = %s"
    return _CONTACTS_HELD


_CONTACTS_HELD = f"""
SELECT pg_advisory_xact_lock({CONTACT}, held.hash) FROM (
    SELECT DISTINCT hashtext(encode(contact.fingerprint, 'hex')) AS hash
    FROM incidents_incident incident
    JOIN incidents_contactpoint contact
      ON contact.customer_id = incident.customer_id AND contact.is_active
    WHERE incident.id = %s ORDER BY hash
) AS held
"""  # noqa: S608


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
