"""Reads: which people, places and teams somebody may see, whether a contact is a colleague's."""

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from .models import AccessToken, ApiClient, Location, Market, RoleGrant, Staff, Team
from .permissions import visible_markets
from .states import Role

Caller = Staff | ApiClient
OVERSEERS = (Role.ADMINISTRATOR, Role.AUDITOR)


def market_ids(user: Caller, *roles: str) -> list[int]:
    """Ids of the markets the caller acts in; a client has one."""
    if isinstance(user, ApiClient):
        return [user.market_id] if not roles else []
    return user.markets_with(*(roles or tuple(user.roles)))


def _granted(markets: Iterable[int]) -> QuerySet[RoleGrant]:
    return RoleGrant.objects.filter(staff=OuterRef("pk"), market__in=markets)


def visible_staff(user: Caller) -> QuerySet[Staff]:
    """Administrators and auditors see everyone who ever held a role in their markets, the others

    those who hold one now; API clients see nobody.
    """
    if isinstance(user, ApiClient):
        return Staff.objects.none()
    overseen = user.markets_with(*OVERSEERS)
    present = _granted(user.markets_with(*user.roles)).filter(ended_at=None)
    return Staff.objects.filter(Exists(_granted(overseen)) | Q(Exists(present), is_active=True))


def administered_staff(user: Staff) -> QuerySet[Staff]:
    """Everyone who ever held a role where the person is administrator."""
    return Staff.objects.filter(Exists(_granted(user.markets_with(Role.ADMINISTRATOR))))


def visible_locations(user: Caller) -> QuerySet[Location]:
    """Locations of the caller's markets, closed ones included."""
    return Location.objects.filter(market__in=market_ids(user)).select_related("market")


def visible_teams(user: Caller) -> QuerySet[Team]:
    """Teams of the caller's markets; API clients see none."""
    if isinstance(user, ApiClient):
        return Team.objects.none()
    return Team.objects.filter(market__in=market_ids(user)).select_related("market")


def administered_markets(user: Staff) -> QuerySet[Market]:
    """Markets where the person is administrator."""
    return visible_markets(user, Role.ADMINISTRATOR)


def administered_clients(user: Staff) -> QuerySet[ApiClient]:
    """API clients of the markets where the person is administrator."""
    return ApiClient.objects.filter(
        market__in=user.markets_with(Role.ADMINISTRATOR)
    ).select_related("market")


def own_tokens(user: Staff) -> QuerySet[AccessToken]:
    """The person's own API keys that still open something, newest first."""
    return AccessToken.objects.filter(staff=user, revoked_at=None).order_by("-id")


def roles_held(staff: Staff) -> QuerySet[RoleGrant]:
    """Roles the person holds now, by market."""
    return (
        RoleGrant.objects.filter(staff=staff, ended_at=None)
        .select_related("market")
        .order_by(F("market__code"), "role")
    )
