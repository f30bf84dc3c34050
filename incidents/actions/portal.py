"""A customer's link to one incident.

The token is derived from a seed under a key that never leaves the server, so that a message
resent later carries the same link though only the token's hash is stored.
"""

import base64
import datetime as dt
import hashlib
import hmac
import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiClient, Staff
from audit.actions import record

from ..access import WRITERS, authorise
from ..models import Incident, PortalToken
from ..selectors.portal import hash_portal_token


def issue_portal_token(
    *, incident: Incident, ref: uuid.UUID | None, seed: uuid.UUID, until: dt.datetime
) -> str:
    """The link's token: 256 bits, URL-safe, open until an aware moment.

    The same seed gives the same token, once stored; a second call only moves its end further.
    """
    digest = hmac.digest(settings.PORTAL_KEY, seed.bytes, hashlib.sha256)
    token = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    row, created = PortalToken.objects.get_or_create(
        token_hash=hash_portal_token(token),
        defaults={"incident": incident, "ref": ref, "expires_at": until},
    )
    if not created:
        PortalToken.objects.filter(pk=row.pk, expires_at__lt=until).update(expires_at=until)
    return token


@transaction.atomic
def revoke_portal_tokens(*, incident: Incident, by: Staff | ApiClient) -> int:
    """Ends every link to the incident at once; returns how many were open."""
    actor = authorise(by, incident.market_id, *WRITERS)
    count = PortalToken.objects.filter(incident=incident, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if count:
        record(
            act="portal.revoked",
            by=actor,
            object_kind="incident",
            object_id=incident.pk,
            market_code=incident.market.code,
            after={"links": count},
        )
    return count
