"""What a new incident points at, read in one trip for a program that names it all by codes."""

import uuid
from dataclasses import dataclass

from accounts.models import ApiClient, Location, Market, Staff, Team
from common.rows import fetch

from ..access import readable_markets
from ..models import Category, Customer

# Codes of categories and locations are the market's own, and their case does not matter.
_NAMED = """
FROM incidents_customer customer
JOIN accounts_market market ON market.id = customer.market_id
LEFT JOIN incidents_category category ON category.market_id = market.id
    AND upper(category.code) = upper(%s) AND category.is_active
LEFT JOIN incidents_category parent ON parent.id = category.parent_id
LEFT JOIN accounts_location location ON location.market_id = market.id
    AND upper(location.code) = upper(%s) AND location.is_active
LEFT JOIN accounts_team team ON team.id = %s
WHERE customer.id = %s AND customer.market_id = ANY(%s)
ORDER BY category.position, category.code, location.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Named:
    """`category` and `location` are None where the market has none of that code in use; `team` is
    the caller's own."""

    customer: Customer
    category: Category | None
    location: Location | None
    team: Team | None


def named_customer(caller: Staff | ApiClient, key: uuid.UUID) -> Customer | None:
    """The customer of this id whom the caller may name on a case; None where there is none."""
    markets = readable_markets(caller) if isinstance(caller, Staff) else [caller.market_id]
    return Customer.objects.filter(pk=key, market__in=markets).first()


def named_for_opening(
    caller: Staff | ApiClient, customer_id: uuid.UUID, category_code: str, location_code: str
) -> Named | None:
    """None where the caller may not see such a customer."""
    if isinstance(caller, ApiClient):
        markets, team_id = [caller.market_id], None
    else:
        markets, team_id = readable_markets(caller), caller.team_id
    found = fetch(
        _NAMED,
        [category_code, location_code, team_id, customer_id, markets],
        customer=Customer,
        market=Market,
        category=Category,
        parent=Category,
        location=Location,
        team=Team,
    )
    if found is None:
        return None
    customer, market, category, parent, location, team = found
    customer.market = market
    if category.pk is not None:
        category.parent = parent if parent.pk is not None else None
    if location.pk is not None:
        location.market = market
    return Named(
        customer,
        category if category.pk is not None else None,
        location if location.pk is not None else None,
        team if team.pk is not None else None,
    )
