"""Opening a customer's link."""

from django.db.models.functions import Now

from common.fingerprints import fingerprint

from ..models import PortalToken

# The shape of a token: 32 bytes in URL-safe base 64 without padding.
LENGTH = 43


def hash_portal_token(token: str) -> bytes:
    return fingerprint("portal-token", token)


def open_portal_token(token: str) -> PortalToken | None:
    """The live token with its incident, customer and market; None for any that is not.

    Unknown, expired and revoked look the same. Judged by the database's clock; changes nothing.
    """
    if len(token) != LENGTH:
        return None
    return (
        PortalToken.objects.filter(
            token_hash=hash_portal_token(token), revoked_at=None, expires_at__gt=Now()
        )
        .select_related("incident__customer", "incident__market", "incident__location")
        .first()
    )
