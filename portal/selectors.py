"""Reading for the portal: from the token in the address to the one compensation it opens."""

from compensations.models import Compensation
from incidents.selectors.portal import open_portal_token


def compensation_of(token: str) -> Compensation | None:
    """What a customer's link opens, or None alike for unknown, expired and revoked tokens."""
    found = open_portal_token(token)
    if found is None or found.ref is None:
        return None
    return (
        Compensation.objects.filter(pk=found.ref, incident_id=found.incident_id)
        .select_related(
            "market",
            "customer",
            "offer",
            "coupon",
            "incident__category",
            "incident__location",
            "reissued_as",
        )
        .first()
    )
