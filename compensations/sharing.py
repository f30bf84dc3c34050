"""Customers who share a contact: what bounds one customer counts what all of them got.

Else a second record with the same phone or email would begin anew. They are those of one market
with an active contact in common, one step away: whom they share with in turn is not asked.
"""

import datetime as dt
import uuid
from collections.abc import Collection

from django.utils import timezone

from incidents.models import ContactPoint, Customer

from .models import Compensation, Offer
from .refusals import TooOften, TooOftenTogether
from .states import HOLDING, CompensationState

# Ids of the others who have `contact`, a row of a larger statement.
OTHERS = """
ARRAY(SELECT other.customer_id FROM incidents_contactpoint other
      WHERE other.fingerprint = contact.fingerprint AND other.is_active
        AND other.market_id = contact.market_id AND other.customer_id <> contact.customer_id)
"""


def others_with_contacts_of(customer: Customer) -> frozenset[uuid.UUID]:
    """Ids of the other customers who share an active contact, read without a lock."""
    own = ContactPoint.objects.filter(customer=customer, is_active=True)
    return frozenset(
        ContactPoint.objects.filter(
            market=customer.market_id, is_active=True, fingerprint__in=own.values("fingerprint")
        )
        .exclude(customer=customer)
        .values_list("customer_id", flat=True)
    )


def check_frequency(
    offer: Offer,
    customer: Customer,
    sharing: Collection[uuid.UUID],
    *,
    reissue_of: Compensation | None = None,
) -> None:
    """Raises TooOften where the customer and those of `sharing` had the offer often enough.

    Where the customer's row and contacts are locked, two grants cannot slip past together.
    """
    if not offer.per_customer:
        return
    since = timezone.now() - dt.timedelta(days=offer.per_customer_days)
    given = Compensation.objects.filter(
        customer__in=[customer.pk, *sharing],
        kind=offer.kind,
        offer__name_es=offer.name_es,
        state__in=[*HOLDING, CompensationState.EXPIRED],
        created_at__gte=since,
    )
    if reissue_of is not None:
        given = given.exclude(pk=reissue_of.pk)
    whose = list(given.values_list("customer_id", flat=True))
    if len(whose) < offer.per_customer:
        return
    alone = whose.count(customer.pk) >= offer.per_customer
    refusal = TooOften if alone else TooOftenTogether
    raise refusal(
        extra={"times": offer.per_customer, "days": offer.per_customer_days}, field="offer"
    )
