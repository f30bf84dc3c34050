"""People: creating, changing, deactivating; passwords and each person's own preferences."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.actions import Actor, record
from common.contacts import mask_email, mask_phone, normalise_email, normalise_phone
from common.errors import InvalidInput, NotAllowed, Refusal

from ..models import Location, Market, RoleGrant, Staff, Team
from ..states import Role
from .base import By, apply, as_actor, check_bounds, person, require_administrator, unique
from .roles import refuse_own

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,59}")
_TAKEN = _("Somebody has this user name or email already.")


class AlreadySo(Refusal):
    code = "already_so"
    default_message = _("This was done before.")


def require_everywhere(by: By, staff: Staff) -> Actor:
    """The actor, when `by` administers every market where the person holds a role now.

    Else an administrator of one market could take over the account of another market's.
    """
    refuse_own(staff, by)
    held = set(staff.role_map)
    if isinstance(by, Staff):
        if not held:
            held = set(staff.role_grants.values_list("market_id", flat=True))
        if not held:
            raise NotAllowed
        for market in held:
            require_administrator(by, market)
    return as_actor(by, Role.ADMINISTRATOR)


def _country(market: Market | None) -> str:
    return market.country if market is not None else "MX"


def _contacts(values: dict[str, Any], market: Market | None) -> dict[str, Any]:
    if "email" in values:
        values["email"] = normalise_email(values["email"])
    if values.get("phone"):
        values["phone"] = normalise_phone(values["phone"], _country(market))
    return values


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the audit may keep them: contacts masked, places by id."""
    shown: dict[str, Any] = {}
    for name, value in values.items():
        if name == "email":
            shown[name] = mask_email(value)
        elif name == "phone":
            shown[name] = mask_phone(value) if value else ""
        elif name == "location":
            shown[name] = value.pk if value else None
        else:
            shown[name] = value
    return shown


def _check_password(password: str, staff: Staff) -> None:
    try:
        validate_password(password, staff)
    except ValidationError as error:
        raise InvalidInput(error.messages[0], field="password") from error


def _home_market(staff: Staff) -> Market | None:
    grant = staff.role_grants.select_related("market").order_by("ended_at", "market_id").last()
    return grant.market if grant else None


def _market_code(staff: Staff) -> str:
    market = _home_market(staff)
    return market.code if market else ""


@transaction.atomic
def create_staff(
    *,
    username: str,
    name: str,
    email: str,
    market: Market,
    roles: Iterable[str],
    password: str,
    phone: str = "",
    team: Team | None = None,
    location: Location | None = None,
    language: str = "es",
    by: By,
) -> Staff:
    """A person with at least one role in the market. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, market)
    chosen = sorted(set(roles))
    if not chosen or not set(chosen) <= set(Role.values):
        raise InvalidInput(_("Choose at least one role."), field="roles")
    username = username.strip().lower()
    if not _USERNAME.fullmatch(username):
        raise InvalidInput(
            _("Use 2 to 60 small letters, digits, dots, hyphens or underscores."),
            field="username",
        )
    if team is not None and team.market_id != market.pk:
        raise InvalidInput(_("This team belongs to another market."), field="team")
    if location is not None and location.market_id != market.pk:
        raise InvalidInput(_("This location belongs to another market."), field="location")
    contacts = _contacts({"email": email, "phone": phone.strip()}, market)
    row = Staff(
        username=username,
        name=name.strip(),
        team=team,
        location=location,
        language=language,
        **contacts,
    )
    _check_password(password, row)
    row.set_password(password)
    check_bounds(row, exclude=("team", "location"))
    with unique(_TAKEN, "username"):
        row.save(force_insert=True)
    RoleGrant.objects.bulk_create(
        [RoleGrant(staff=row, market=market, role=role, granted_by=person(by)) for role in chosen]
    )
    record(
        act="staff.create",
        by=actor,
        object_kind="staff",
        object_id=row.pk,
        market_code=market.code,
        after={
            "username": row.username,
            "name": row.name,
            "roles": chosen,
            "team": team.pk if team else None,
            "location": location.pk if location else None,
            **_shown(contacts),
        },
    )
    return row


@transaction.atomic
def change_staff(
    *,
    staff: Staff,
    by: By,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    location: Location | str | None = "",
) -> Staff:
    """Changes what is given; `location=None` takes the location away.

    Raises NotAllowed unless the actor administers every market where the person works;
    InvalidInput.
    """
    row = Staff.objects.select_for_update().get(pk=staff.pk)
    actor = require_everywhere(by, row)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = name.strip()
    if email is not None:
        values["email"] = email
    if phone is not None:
        values["phone"] = phone.strip()
    if not isinstance(location, str):
        if location is not None and location.market_id not in row.role_map:
            raise InvalidInput(_("This person holds no role in that market."), field="location")
        values["location"] = location
    before, after = apply(row, _contacts(values, _home_market(row)))
    if not after:
        return row
    check_bounds(row, exclude=("team", "location", "password"))
    with unique(_TAKEN, "email"):
        row.save()
    record(
        act="staff.change",
        by=actor,
        object_kind="staff",
        object_id=row.pk,
        market_code=_market_code(row),
        before=_shown(before),
        after=_shown(after),
    )
    return row


@transaction.atomic
def deactivate_staff(*, staff: Staff, by: By) -> Staff:
    """Ends sign-in, sessions and keys with the next request; what the person did keeps its name.

    Raises NotAllowed, OwnRoles, AlreadySo.
    """
    row = Staff.objects.select_for_update().get(pk=staff.pk)
    actor = require_everywhere(by, row)
    if not row.is_active:
        raise AlreadySo
    row.is_active = False
    row.save(update_fields=["is_active"])
    ended = row.access_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
    record(
        act="staff.deactivate",
        by=actor,
        object_kind="staff",
        object_id=row.pk,
        market_code=_market_code(row),
        before={"is_active": True},
        after={"is_active": False, "keys_ended": ended},
    )
    return row


@transaction.atomic
def reactivate_staff(*, staff: Staff, by: By) -> Staff:
    """Lets a person sign in again; keys stay ended. Raises NotAllowed, OwnRoles, AlreadySo."""
    row = Staff.objects.select_for_update().get(pk=staff.pk)
    actor = require_everywhere(by, row)
    if row.is_active:
        raise AlreadySo
    row.is_active = True
    row.save(update_fields=["is_active"])
    record(
        act="staff.reactivate",
        by=actor,
        object_kind="staff",
        object_id=row.pk,
        market_code=_market_code(row),
        before={"is_active": False},
        after={"is_active": True},
    )
    return row


@transaction.atomic
def set_new_password(*, staff: Staff, password: str, by: By) -> Staff:
    """Replaces a forgotten password, which ends the person's sessions.

    Raises NotAllowed, OwnRoles, InvalidInput.
    """
    row = Staff.objects.select_for_update().get(pk=staff.pk)
    actor = require_everywhere(by, row)
    return _save_password(row, password, actor, "staff.new_password")


@transaction.atomic
def change_own_password(*, staff: Staff, password: str) -> Staff:
    """The person's own change, after the sign-in pages checked the old one. Raises InvalidInput."""
    return _save_password(staff, password, staff.as_actor(), "staff.password")


def _save_password(staff: Staff, password: str, actor: Actor, act: str) -> Staff:
    _check_password(password, staff)
    staff.set_password(password)
    staff.save(update_fields=["password"])
    record(
        act=act,
        by=actor,
        object_kind="staff",
        object_id=staff.pk,
        market_code=_market_code(staff),
    )
    return staff


@transaction.atomic
def change_preferences(*, by: Staff, **values: Any) -> Staff:
    """The person's own language, theme and single keys. Raises InvalidInput."""
    allowed = {"language", "theme", "single_keys"}
    if set(values) - allowed:
        raise TypeError("not a preference")
    row = Staff.objects.select_for_update().get(pk=by.pk)
    before, after = apply(row, values)
    if not after:
        return row
    check_bounds(row, exclude=("team", "location", "password"))
    row.save(update_fields=list(after))
    record(
        act="staff.preferences",
        by=row.as_actor(),
        object_kind="staff",
        object_id=row.pk,
        market_code=_market_code(row),
        before=before,
        after=after,
    )
    return row
