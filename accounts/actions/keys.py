"""Keys of the API: clients of a market, and people's own access tokens. A key is shown once."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.actions import SYSTEM, Actor, record
from common.errors import InvalidInput, NotAllowed, Refusal

from ..keys import CLIENT_KEY, STAFF_KEY, key_hash, new_key
from ..models import AccessToken, ApiClient, Market, Staff
from ..states import Scope
from .base import By, as_actor, check_bounds, person, require_administrator, unique

MAX_DAYS = 730


class KeyRevoked(Refusal):
    code = "key_revoked"
    default_message = _("This key was revoked before.")


def _expiry(days: int) -> dt.datetime:
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(
            _("Choose from 1 to %(days)d days.") % {"days": MAX_DAYS}, field="valid_days"
        )
    return timezone.now() + dt.timedelta(days=days)


@transaction.atomic
def create_api_client(
    *, market: Market, name: str, scopes: list[str], by: By, valid_days: int = 365
) -> tuple[ApiClient, str]:
    """A till, shop or intake system, and its key, which is not kept.

    Raises NotAllowed; InvalidInput for an unknown scope, a name in use or a bad validity.
    """
    actor = require_administrator(by, market)
    chosen = sorted(set(scopes))
    if not chosen or not set(chosen) <= set(Scope.values):
        raise InvalidInput(_("Choose what the client may do."), field="scopes")
    key, prefix = new_key(CLIENT_KEY)
    client = ApiClient(
        market=market,
        name=name.strip(),
        scopes=chosen,
        key_prefix=prefix,
        key_hash=key_hash(key),
        created_by=person(by),
        expires_at=_expiry(valid_days),
    )
    check_bounds(client, exclude=("market", "created_by", "created_at", "revoked_at", "revoked_by"))
    with unique(_("Another client of this market has this name."), "name"):
        client.save(force_insert=True)
    record(
        act="api_client.create",
        by=actor,
        object_kind="api_client",
        object_id=client.pk,
        market_code=market.code,
        after={
            "name": client.name,
            "scopes": chosen,
            "key_prefix": prefix,
            "expires_at": client.expires_at.isoformat(),
        },
    )
    return client, key


def _locked_client(client: ApiClient) -> ApiClient:
    locked = ApiClient.objects.select_for_update().get(pk=client.pk)
    if locked.revoked_at is not None:
        raise KeyRevoked
    return locked


@transaction.atomic
def rotate_api_client_key(*, client: ApiClient, by: By, valid_days: int = 365) -> str:
    """A new key for the client; the old one ends at once. Raises NotAllowed, KeyRevoked."""
    actor = require_administrator(by, client.market_id)
    row = _locked_client(client)
    key, prefix = new_key(CLIENT_KEY)
    before = {"key_prefix": row.key_prefix, "expires_at": row.expires_at.isoformat()}
    row.key_prefix, row.key_hash = prefix, key_hash(key)
    row.expires_at = _expiry(valid_days)
    row.save(update_fields=["key_prefix", "key_hash", "expires_at"])
    record(
        act="api_client.rotate",
        by=actor,
        object_kind="api_client",
        object_id=row.pk,
        market_code=client.market.code,
        before=before,
        after={"key_prefix": prefix, "expires_at": row.expires_at.isoformat()},
    )
    return key


@transaction.atomic
def revoke_api_client(*, client: ApiClient, by: By) -> ApiClient:
    """Ends the client's key with its next request. Raises NotAllowed, KeyRevoked."""
    actor = require_administrator(by, client.market_id)
    row = _locked_client(client)
    row.revoked_at, row.revoked_by = timezone.now(), person(by)
    row.save(update_fields=["revoked_at", "revoked_by"])
    record(
        act="api_client.revoke",
        by=actor,
        object_kind="api_client",
        object_id=row.pk,
        market_code=client.market.code,
        before={"key_prefix": row.key_prefix},
    )
    return row


def _require_owner(staff: Staff, by: By) -> Actor:
    """A token acts as its owner, so only the owner makes one, or an operator with a shell."""
    if by != staff and by != SYSTEM:
        raise NotAllowed
    return as_actor(by)


@transaction.atomic
def create_access_token(*, staff: Staff, by: By, valid_days: int = 90) -> tuple[AccessToken, str]:
    """A person's own key for the API, and the key itself, which is not kept.

    Raises NotAllowed for anybody else's, InvalidInput for an inactive person or a bad validity.
    """
    actor = _require_owner(staff, by)
    if not staff.is_active:
        raise InvalidInput(_("This person is not active."))
    key, prefix = new_key(STAFF_KEY)
    token = AccessToken(
        staff=staff, key_prefix=prefix, key_hash=key_hash(key), expires_at=_expiry(valid_days)
    )
    token.save(force_insert=True)
    record(
        act="access_token.create",
        by=actor,
        object_kind="staff",
        object_id=staff.pk,
        after={"key_prefix": prefix, "expires_at": token.expires_at.isoformat()},
    )
    return token, key


@transaction.atomic
def revoke_access_token(*, token: AccessToken, by: By) -> AccessToken:
    """Ends a person's key with its next request. Raises NotAllowed, KeyRevoked."""
    row = (
        AccessToken.objects.select_for_update(of=("self",)).select_related("staff").get(pk=token.pk)
    )
    actor = _require_owner(row.staff, by)
    if row.revoked_at is not None:
        raise KeyRevoked
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    record(
        act="access_token.revoke",
        by=actor,
        object_kind="staff",
        object_id=row.staff_id,
        before={"key_prefix": row.key_prefix},
    )
    return row
