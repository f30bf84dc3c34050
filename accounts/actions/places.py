"""Markets, locations and teams. A market's currency, code, country and time zone never change."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.actions import record
from common.errors import InvalidInput, NotAllowed

from ..models import Location, Market, RoleGrant, Staff, Team
from ..states import Role
from .base import By, apply, as_actor, check_bounds, person, require_administrator, unique
from .roles import refuse_own

MARKET_FIELDS = frozenset(
    {
        "name",
        "brand",
        "locale",
        "language",
        "sender_email",
        "is_active",
        "undo_minutes",
        "request_minutes",
    }
)
LOCATION_FIELDS = frozenset({"name", "kind", "is_active"})
TEAM_FIELDS = frozenset({"name", "is_active"})
_LOCATION_CODE = _("Another location of this market has this code.")
_TEAM_NAME = _("Another team of this market has this name.")


def _known(values: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    unknown = set(values) - allowed
    if unknown:
        raise TypeError(f"these never change: {', '.join(sorted(unknown))}")
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in values.items()
    }


@transaction.atomic
def create_market(
    *,
    code: str,
    name: str,
    brand: str,
    country: str,
    currency: str,
    locale: str,
    language: str,
    time_zone: str,
    sender_email: str,
    undo_minutes: int = 30,
    administrator: Staff | None = None,
    by: By,
) -> Market:
    """A market and its first administrator, who is somebody else than its author.

    `administrator` may be left out only by the system. Raises NotAllowed, OwnRoles, InvalidInput.
    """
    if isinstance(by, Staff) and not by.markets_with(Role.ADMINISTRATOR):
        raise NotAllowed
    if administrator is None and isinstance(by, Staff):
        raise InvalidInput(_("Choose who administers it."), field="administrator")
    if administrator is not None:
        refuse_own(administrator, by)
    country, currency = country.strip().upper(), currency.strip().upper()
    if not re.fullmatch("[A-Z]{2}", country):
        raise InvalidInput(_("Write the country's two letters."), field="country")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise InvalidInput(_("Write the currency's three letters."), field="currency")
    if time_zone not in available_timezones():
        raise InvalidInput(_("There is no such time zone."), field="time_zone")
    market = Market(
        code=code.strip().upper(),
        name=name.strip(),
        brand=brand.strip(),
        country=country,
        currency=currency,
        locale=locale,
        language=language,
        time_zone=time_zone,
        sender_email=sender_email.strip().lower(),
        undo_minutes=undo_minutes,
    )
    check_bounds(market)
    with unique(_("Another market has this code."), "code"):
        market.save(force_insert=True)
    if administrator is not None:
        RoleGrant(
            staff=administrator, market=market, role=Role.ADMINISTRATOR, granted_by=person(by)
        ).save(force_insert=True)
    record(
        act="market.create",
        by=as_actor(by, Role.ADMINISTRATOR),
        object_kind="market",
        object_id=market.pk,
        market_code=market.code,
        after={
            "name": market.name,
            "country": market.country,
            "currency": market.currency,
            "time_zone": market.time_zone,
            "administrator": str(administrator.pk) if administrator else None,
        },
    )
    return market


@transaction.atomic
def change_market(*, market: Market, by: By, **values: Any) -> Market:
    """Changes any of MARKET_FIELDS. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, market)
    row = Market.objects.select_for_update().get(pk=market.pk)
    before, after = apply(row, _known(values, MARKET_FIELDS))
    if not after:
        return row
    check_bounds(row)
    row.save(update_fields=list(after))
    record(
        act="market.change",
        by=actor,
        object_kind="market",
        object_id=row.pk,
        market_code=row.code,
        before=before,
        after=after,
    )
    return row


@transaction.atomic
def create_location(*, market: Market, code: str, name: str, kind: str = "", by: By) -> Location:
    """A place where the service is given. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, market)
    row = Location(market=market, code=code.strip().upper(), name=name.strip(), kind=kind.strip())
    check_bounds(row, exclude=("market",))
    with unique(_LOCATION_CODE, "code"):
        row.save(force_insert=True)
    record(
        act="location.create",
        by=actor,
        object_kind="location",
        object_id=row.pk,
        market_code=market.code,
        after={"code": row.code, "name": row.name, "kind": row.kind},
    )
    return row


@transaction.atomic
def change_location(*, location: Location, by: By, **values: Any) -> Location:
    """Changes any of LOCATION_FIELDS. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, location.market_id)
    row = (
        Location.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=location.pk)
    )
    before, after = apply(row, _known(values, LOCATION_FIELDS))
    if not after:
        return row
    check_bounds(row, exclude=("market",))
    row.save(update_fields=list(after))
    record(
        act="location.change",
        by=actor,
        object_kind="location",
        object_id=row.pk,
        market_code=row.market.code,
        before=before,
        after=after,
    )
    return row


def _may_supervise(market: Market, supervisors: Iterable[Staff]) -> list[Staff]:
    chosen = sorted(supervisors, key=lambda one: one.pk)
    for one in chosen:
        if not one.has_role(market, Role.SUPERVISOR):
            raise InvalidInput(
                _("%(name)s is not a supervisor in this market.") % {"name": one.name},
                field="supervisors",
            )
    return chosen


@transaction.atomic
def create_team(*, market: Market, name: str, supervisors: Iterable[Staff] = (), by: By) -> Team:
    """A team and its supervisors. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, market)
    chosen = _may_supervise(market, supervisors)
    row = Team(market=market, name=name.strip())
    check_bounds(row, exclude=("market",))
    with unique(_TEAM_NAME, "name"):
        row.save(force_insert=True)
    row.supervisors.set(chosen)
    record(
        act="team.create",
        by=actor,
        object_kind="team",
        object_id=row.pk,
        market_code=market.code,
        after={"name": row.name, "supervisors": [str(one.pk) for one in chosen]},
    )
    return row


def _locked_team(team: Team) -> Team:
    return Team.objects.select_for_update(of=("self",)).select_related("market").get(pk=team.pk)


@transaction.atomic
def change_team(*, team: Team, by: By, **values: Any) -> Team:
    """Changes any of TEAM_FIELDS. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, team.market_id)
    row = _locked_team(team)
    before, after = apply(row, _known(values, TEAM_FIELDS))
    if not after:
        return row
    check_bounds(row, exclude=("market",))
    with unique(_TEAM_NAME, "name"):
        row.save(update_fields=list(after))
    record(
        act="team.change",
        by=actor,
        object_kind="team",
        object_id=row.pk,
        market_code=row.market.code,
        before=before,
        after=after,
    )
    return row


@transaction.atomic
def set_team_supervisors(*, team: Team, supervisors: Iterable[Staff], by: By) -> Team:
    """Replaces the team's supervisors. Raises NotAllowed, InvalidInput."""
    actor = require_administrator(by, team.market_id)
    row = _locked_team(team)
    people = _may_supervise(row.market, supervisors)
    chosen = sorted(str(one.pk) for one in people)
    before = sorted(str(pk) for pk in row.supervisors.values_list("pk", flat=True))
    if before == chosen:
        return row
    row.supervisors.set(people)
    record(
        act="team.supervisors",
        by=actor,
        object_kind="team",
        object_id=row.pk,
        market_code=row.market.code,
        before={"supervisors": before},
        after={"supervisors": chosen},
    )
    return row


@transaction.atomic
def save_team(
    *, team: Team, name: str, is_active: bool, supervisors: Iterable[Staff], by: By
) -> Team:
    """Both of the above at once, as the team's page sends them."""
    row = change_team(team=team, by=by, name=name, is_active=is_active)
    return set_team_supervisors(team=row, supervisors=supervisors, by=by)


@transaction.atomic
def move_to_team(*, staff: Staff, team: Team | None, by: By) -> Staff:
    """Puts a person into a team, or out of any. Budgets follow from the next grant on.

    Raises NotAllowed unless the actor administers both the old and the new team's market, OwnRoles
    for oneself, InvalidInput when the person holds no role where the team is.
    """
    refuse_own(staff, by)
    row = Staff.objects.select_for_update(of=("self",)).select_related("team").get(pk=staff.pk)
    old = row.team
    for place in (old, team):
        if place is not None:
            require_administrator(by, place.market_id)
    if old == team:
        return row
    if team is not None and not row.role_map.get(team.market_id):
        raise InvalidInput(_("This person holds no role in that market."), field="team")
    row.team = team
    row.save(update_fields=["team"])
    market = team.market if team is not None else old.market if old is not None else None
    record(
        act="staff.move",
        by=as_actor(by, Role.ADMINISTRATOR),
        object_kind="staff",
        object_id=row.pk,
        market_code=market.code if market else "",
        before={"team": old.pk if old else None},
        after={"team": team.pk if team else None},
    )
    return row
