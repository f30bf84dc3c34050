"""Granting and ending roles. Nobody touches their own; both take effect on the next request.

Either ends the person's sessions (see `Staff._get_session_auth_hash`) and revokes their keys: what
was signed in under other rights does not go on.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.actions import record
from common.errors import InvalidInput, NotAllowed, Refusal

from ..models import Market, RoleGrant, Staff
from ..states import Role
from .base import By, person, require_administrator


class OwnRoles(NotAllowed):
    code = "own_roles"
    default_message = _("Nobody changes their own roles. Ask another administrator.")


class RoleHeld(Refusal):
    code = "role_held"
    default_message = _("This person holds the role already.")


class RoleEnded(Refusal):
    code = "role_ended"
    default_message = _("This role ended before.")


def _end_keys(staff: Staff) -> int:
    """Revokes the person's keys for the API; how many."""
    return staff.access_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())


def refuse_own(staff: Staff, by: By) -> None:
    """Raises OwnRoles when the actor is the person."""
    if isinstance(by, Staff) and by.pk == staff.pk:
        raise OwnRoles


@transaction.atomic
def grant_role(*, staff: Staff, market: Market, role: str, by: By) -> RoleGrant:
    """Gives a person a role in a market. Raises NotAllowed, OwnRoles, RoleHeld, InvalidInput."""
    actor = require_administrator(by, market)
    refuse_own(staff, by)
    if role not in Role.values:
        raise InvalidInput(_("There is no such role."), field="role")
    row = Staff.objects.select_for_update().get(pk=staff.pk)
    if not row.is_active:
        raise InvalidInput(_("This person is not active."))
    if RoleGrant.objects.filter(staff=row, market=market, role=role, ended_at=None).exists():
        raise RoleHeld(field="role")
    grant = RoleGrant(staff=row, market=market, role=role, granted_by=person(by))
    grant.save(force_insert=True)
    record(
        act="role.grant",
        by=actor,
        object_kind="staff",
        object_id=row.pk,
        market_code=market.code,
        after={"role": role, "keys_ended": _end_keys(row)},
    )
    return grant


@transaction.atomic
def end_role(*, grant: RoleGrant, by: Staff) -> RoleGrant:
    """Takes a role away from now on. Raises NotAllowed, OwnRoles, RoleEnded."""
    row = (
        RoleGrant.objects.select_for_update(of=("self",))
        .select_related("market", "staff")
        .get(pk=grant.pk)
    )
    actor = require_administrator(by, row.market)
    refuse_own(row.staff, by)
    if row.ended_at is not None:
        raise RoleEnded
    row.ended_at, row.ended_by = timezone.now(), by
    row.save(update_fields=["ended_at", "ended_by"])
    record(
        act="role.end",
        by=actor,
        object_kind="staff",
        object_id=row.staff_id,
        market_code=row.market.code,
        before={"role": row.role},
        after={"keys_ended": _end_keys(row.staff)},
    )
    return row
