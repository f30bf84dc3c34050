"""Who calls the API: a person by session, a person by key, or a client by key.

Afterwards `request.user` is a `Staff` or an `ApiClient`, and `request.auth` the key's row. One
indexed read per key and no write: a till authenticates on every sale.
"""

from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from common.rows import build, columns

from ..keys import CLIENT_KEY, MAX_LENGTH, STAFF_KEY, key_hash
from ..middleware import carries_key
from ..models import AccessToken, ApiClient, Market, Staff


def bearer(request: Request) -> str:
    """The key of the Authorization header, or an empty string."""
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    if header[:7].lower() != "bearer " or len(header) > MAX_LENGTH + 7:
        return ""
    return header[7:].strip()


def _refuse() -> AuthenticationFailed:
    # One answer for unknown, expired, revoked and inactive: a key says nothing about itself.
    return AuthenticationFailed(_("This key opens nothing. It may have expired or been revoked."))


def caller_of(request: Request) -> Staff | ApiClient:
    """Who calls. Raises NotAuthenticated for nobody."""
    user: object = request.user
    if not isinstance(user, Staff | ApiClient):
        raise NotAuthenticated
    return user


# Read on every request of a program, so without compiling them anew each time.
_STAFF = """
SELECT {0}, {1} FROM accounts_accesstoken a JOIN accounts_staff b ON b.id = a.staff_id
WHERE a.key_hash = %s AND a.revoked_at IS NULL AND a.expires_at > statement_timestamp()
  AND b.is_active
"""
_CLIENT = """
SELECT {0}, {1} FROM accounts_apiclient a JOIN accounts_market b ON b.id = a.market_id
WHERE a.key_hash = %s AND a.revoked_at IS NULL AND a.expires_at > statement_timestamp()
  AND b.is_active
"""


def _one(statement: str, wanted: bytes, key: type[Model], owner: type[Model]) -> list[Any]:
    """The key's row and its owner's. Raises AuthenticationFailed for a key that opens nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(columns(key, "a"), columns(owner, "b")), [wanted])
        row = cursor.fetchone()
    if row is None:
        raise _refuse()
    return build(row, key, owner)


class KeyAuthentication(BaseAuthentication):
    """What both kinds of keys share: the challenge of a 401."""

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class StaffSessionAuthentication(SessionAuthentication):
    """The session of the pages, with their CSRF token. Reads nothing when a key was sent."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if carries_key(request._request) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        # The first class answers for a 401, and the way in for a program is a key.
        return 'Bearer realm="api"'


class StaffTokenAuthentication(KeyAuthentication):
    """`Authorization: Bearer rst_...`."""

    def authenticate(self, request: Request) -> tuple[Staff, AccessToken] | None:
        key = bearer(request)
        if not key.startswith(STAFF_KEY):
            return None
        token, staff = _one(_STAFF, key_hash(key), AccessToken, Staff)
        token.staff = staff
        return staff, token


class ClientKeyAuthentication(KeyAuthentication):
    """`Authorization: Bearer rck_...`. Last in line, so it also refuses what no class took."""

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiClient] | None:
        if not carries_key(request._request):
            return None
        key = bearer(request)
        if not key.startswith(CLIENT_KEY):
            raise _refuse()
        client, market = _one(_CLIENT, key_hash(key), ApiClient, Market)
        client.market = market
        return client, client
