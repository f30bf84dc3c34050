"""Who calls the API: a person by session, a person by key, or a client by key.

Afterwards `request.user` is a `Staff` or an `ApiClient`, and `request.auth` the key's row. One
indexed read per key and no write: a till authenticates on every sale. An act that confirms a
client's key itself (see `remembered`) needs no read before it.
"""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from common.rows import fetch

from ..keys import CLIENT_KEY, MAX_LENGTH, STAFF_KEY, key_hash
from ..middleware import carries_key
from ..models import ROLES_NOW, AccessToken, ApiClient, Market, Staff, roles_by_market
from .remembered import AS_READ, KeyAsRead, acts_confirm, remembered


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
_BY_OWN_KEY = """
FROM accounts_accesstoken token JOIN accounts_staff staff ON staff.id = token.staff_id
WHERE token.key_hash = %s AND token.revoked_at IS NULL
  AND token.expires_at > statement_timestamp() AND staff.is_active
"""
_BY_CLIENT_KEY = """
FROM accounts_apiclient client JOIN accounts_market market ON market.id = client.market_id
WHERE client.key_hash = %s AND client.revoked_at IS NULL
  AND client.expires_at > statement_timestamp() AND market.is_active
"""


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
        values = [key_hash(key)]
        found = fetch(_BY_OWN_KEY, values, also=ROLES_NOW, token=AccessToken, staff=Staff)
        if found is None:
            raise _refuse()
        token, staff, held = found
        token.staff = staff
        pairs = (pair.split(" ") for pair in held)
        staff.role_map = roles_by_market((int(market), role) for market, role in pairs)
        return staff, token


class ClientKeyAuthentication(KeyAuthentication):
    """`Authorization: Bearer rck_...`. Last in line, so it also refuses what no class took."""

    def authenticate(self, request: Request) -> tuple[ApiClient, ApiClient | KeyAsRead] | None:
        if not carries_key(request._request):
            return None
        key = bearer(request)
        if not key.startswith(CLIENT_KEY):
            raise _refuse()
        sent = key_hash(key)
        if acts_confirm(request):
            known = remembered.get(sent)
            if known is not None:
                return known
        client = client_by_key(sent)
        return client, client


def client_by_key(sent: bytes) -> ApiClient:
    """The client with that key's hash, read now. Raises AuthenticationFailed."""
    found = fetch(_BY_CLIENT_KEY, [sent], also=AS_READ, client=ApiClient, market=Market)
    if found is None:
        remembered.forget(sent)
        raise _refuse()
    client: ApiClient
    client, market, as_read = found
    client.market = market
    remembered.keep(sent, client, as_read)
    return client


def read_now(request: Request) -> None:
    """Reads the key of a client that was taken from memory. Raises AuthenticationFailed."""
    if isinstance(request.auth, KeyAsRead):
        client: Any = client_by_key(request.auth.sent)
        request.user = request.auth = client
