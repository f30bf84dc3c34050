"""Where a code is presented: the market and the location of a till, for API and counter alike."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiClient, Location, Market, Staff
from accounts.states import Role
from common.errors import InvalidInput, NotAllowed
from common.rows import fetch


@dataclass(frozen=True, slots=True)
class Till:
    """A market and, where it is known, the location in it."""

    market: Market
    location: Location | None


def counter_locations(cashier: Staff) -> QuerySet[Location]:
    """Open locations of the markets where the person is cashier now."""
    return Location.objects.filter(
        market_id__in=cashier.markets_with(Role.CASHIER), is_active=True, market__is_active=True
    ).select_related("market")


def open_location(market: Market, code: str) -> Location:
    """The market's open location of that code. Raises InvalidInput where there is none."""
    found = fetch(
        "FROM accounts_location location "
        "WHERE location.market_id = %s AND location.code = %s AND location.is_active",
        [market.pk, code.upper()],
        location=Location,
    )
    if found is None:
        raise _no_such_location()
    location: Location = found[0]
    return location


def till_of_client(client: ApiClient, location_code: str) -> Till:
    """The till of a client; a location is optional. Raises InvalidInput for an unknown one."""
    here = open_location(client.market, location_code) if location_code else None
    return Till(client.market, here)


def till_of_cashier(cashier: Staff, location_code: str) -> Till:
    """The till of a person who calls the API: the location named, else their own.

    Raises NotAllowed for somebody who is cashier nowhere, InvalidInput for an unknown location or
    when none is named and none is their own.
    """
    if not cashier.markets_with(Role.CASHIER):
        raise NotAllowed
    places = counter_locations(cashier)
    if location_code:
        # Two markets may use the same code: the person's own place wins.
        named = places.filter(code__iexact=location_code).order_by("market_id")
        own = [place for place in named if place.pk == cashier.location_id]
        location = own[0] if own else named.first()
    elif cashier.location_id is not None:
        location = places.filter(pk=cashier.location_id).first()
    else:
        location = None
    if location is None:
        raise _no_such_location()
    return Till(location.market, location)


def till_of(caller: ApiClient | Staff, location_code: str = "") -> Till:
    """The till of whoever calls. Raises NotAllowed, InvalidInput."""
    if isinstance(caller, ApiClient):
        return till_of_client(caller, location_code)
    return till_of_cashier(caller, location_code)


def sale_at(caller: ApiClient | Staff, location_code: str) -> tuple[Market, Location | str | None]:
    """Market and location of a sale; a client's location by its code, which `redeem` looks up.

    Raises NotAllowed, and InvalidInput for a person's unknown location.
    """
    if isinstance(caller, ApiClient):
        return caller.market, location_code or None
    till = till_of_cashier(caller, location_code)
    return till.market, till.location


def _no_such_location() -> InvalidInput:
    return InvalidInput(_("There is no open location with this code."), field="location")
