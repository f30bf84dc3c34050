"""The stop switch: halting every grant of a market at once, and letting them go on."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Market, Staff
from accounts.permissions import require
from accounts.states import Role
from audit.actions import record
from common.errors import InvalidInput, TransitionRefused

from ..locks import hold_rules
from ..stops import RESUMED, STOPPED


def _locked(market: Market, reason: str, by: Staff) -> Market:
    """The market, once every grant under way has ended. Raises NotAllowed, InvalidInput."""
    require(by, market, Role.FINANCE)
    if not reason.strip():
        raise InvalidInput(_("Write why: others will read it here."), field="reason")
    hold_rules(market)
    return Market.objects.select_for_update(no_key=True).get(pk=market.pk)


def _record(row: Market, act: str, before: bool, reason: str, by: Staff) -> None:
    record(
        act=act,
        by=by.as_actor(Role.FINANCE),
        object_kind="market",
        object_id=row.pk,
        market_code=row.code,
        before={"stopped": before},
        after={"stopped": not before},
        reason=reason.strip(),
    )


@transaction.atomic
def stop_issuance(*, market: Market, reason: str, by: Staff) -> Market:
    """Refuses every grant, request and approval of the market from the commit on.

    A grant under way either commits before this returns, or is refused. What was granted stays
    valid and can be redeemed and voided. Raises NotAllowed, InvalidInput, TransitionRefused.
    """
    row = _locked(market, reason, by)
    if row.issuance_stopped_at is not None:
        raise TransitionRefused(_("Compensations are already stopped."))
    row.issuance_stopped_at = timezone.now()
    row.issuance_stopped_by = by
    row.save(update_fields=["issuance_stopped_at", "issuance_stopped_by"])
    _record(row, STOPPED, False, reason, by)
    return row


@transaction.atomic
def resume_issuance(*, market: Market, reason: str, by: Staff) -> Market:
    """Lets compensations be granted again, inside the limits that held all along.

    Any person of finance may, the one who stopped included: no bound is raised by it. Raises
    NotAllowed, InvalidInput, TransitionRefused.
    """
    row = _locked(market, reason, by)
    if row.issuance_stopped_at is None:
        raise TransitionRefused(_("Compensations are not stopped."))
    row.issuance_stopped_at = row.issuance_stopped_by = None
    row.save(update_fields=["issuance_stopped_at", "issuance_stopped_by"])
    _record(row, RESUMED, True, reason, by)
    return row
