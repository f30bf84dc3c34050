"""A case of nobody known gets its customer only while nothing was granted on it."""

from django.utils.translation import gettext_lazy as _

from common.errors import Refusal
from incidents.models import Incident
from incidents.registry import register_customer_check

from .locks import hold_rules
from .models import Compensation
from .states import CompensationState

# What came to nothing binds nobody.
UNDONE = (
    CompensationState.VOIDED,
    CompensationState.REJECTED,
    CompensationState.WITHDRAWN,
    CompensationState.LAPSED,
)


class GrantedToNobody(Refusal):
    """Something was granted or asked for on the case, to the customer it has."""

    code = "granted_to_nobody"
    default_message = _(
        "Something was granted or asked for on this case before its customer was known. Void or "
        "withdraw it first, then grant it again."
    )


def nothing_granted(case: Incident) -> Refusal | None:
    """Why the locked case cannot get its customer, if something granted or asked for stands."""
    standing = Compensation.objects.filter(incident=case).exclude(state__in=UNDONE)
    return GrantedToNobody(field="customer") if standing.exists() else None


def register() -> None:
    """Called once when the app is ready.

    A grant that waits for the case would go on with a customer whom it has not locked; so none is
    under way while a case gets its own.
    """
    register_customer_check(hold_rules, nothing_granted)
