"""Giving a case its customer, where an import's source did not name who complained."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiClient, Staff
from accounts.states import Scope
from audit.actions import record
from common.errors import InvalidInput, Refusal, Stale

from .. import registry
from ..access import WRITERS, authorise
from ..models import Customer, Incident
from ..states import IncidentState
from .incidents import IncidentClosed, lock_incident


class CustomerKnown(Refusal):
    """The case of a person stays theirs: what was granted and said is about them."""

    code = "customer_known"
    default_message = _("This case has its customer already.")


@transaction.atomic
def identify_customer(
    *, incident: Incident, customer: Customer, version: int, by: Staff | ApiClient
) -> Incident:
    """Moves a case from the placeholder of its import to `customer`, of the same market.

    The case still has `version`. Raises NotAllowed, Stale (extra: the present version),
    IncidentClosed, CustomerKnown, InvalidInput, or what a higher app refuses where something was
    granted on it.
    """
    for before, _check in registry.customer_checks():
        before(incident.market)
    row = lock_incident(incident)
    actor = authorise(by, row.market_id, *WRITERS, scope=Scope.INCIDENTS_WRITE)
    if row.version != version:
        raise Stale(extra={"version": row.version})
    if row.state == IncidentState.CLOSED:
        raise IncidentClosed
    nobody = row.customer
    if not nobody.is_unnamed:
        raise CustomerKnown(field="customer")
    found = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if found.market_id != row.market_id or found.is_unnamed:
        raise InvalidInput(_("Choose one of the values offered."), field="customer")
    for _before, check in registry.customer_checks():
        refusal = check(row)
        if refusal is not None:
            raise refusal
    row.customer = found
    row.version += 1
    row.save(update_fields=["customer", "version"])
    record(
        act="incident.identified",
        by=actor,
        object_kind="incident",
        object_id=row.pk,
        market_code=row.market.code,
        before={"customer": str(nobody.pk)},
        after={"customer": str(found.pk)},
    )
    return row
