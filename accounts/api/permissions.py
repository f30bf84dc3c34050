"""Who may call an endpoint at all. Which objects they may touch, selectors and actions say.

`Roles(...)` and `HasScope(...)` make classes, so that `Roles(Role.CASHIER) | HasScope(...)`
reads as it acts.
"""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ..models import ApiClient, Staff

if TYPE_CHECKING:
    # The framework loads this module while its own views are being made.
    from rest_framework.views import APIView


class Authenticated(BasePermission):
    """A member of staff or an API client."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Staff | ApiClient)


class IsStaff(BasePermission):
    """A member of staff, whatever the roles."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Staff)


def Roles(*roles: str) -> type[BasePermission]:
    """Staff who hold one of `roles` in some market."""

    class HoldsRole(BasePermission):
        def has_permission(self, request: Request, view: "APIView") -> bool:
            return isinstance(request.user, Staff) and bool(request.user.roles & set(roles))

    return HoldsRole


def HasScope(scope: str) -> type[BasePermission]:
    """API clients that were given `scope`."""

    class HoldsScope(BasePermission):
        def has_permission(self, request: Request, view: "APIView") -> bool:
            user: object = request.user
            return isinstance(user, ApiClient) and scope in user.scopes

    return HoldsScope
