"""A small company for the tests of this app, and every action with arguments that it accepts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection

from accounts import actions
from accounts.models import AccessToken, ApiClient, Location, Market, RoleGrant, Staff, Team
from accounts.states import Role

from .factories import (
    AccessTokenFactory,
    ApiClientFactory,
    LocationFactory,
    MarketFactory,
    StaffFactory,
    TeamFactory,
)

PASSWORD = "una clave bastante larga"


@dataclass
class Company:
    """`admin` administers `market`; everything else belongs to it."""

    market: Market
    admin: Staff
    agent: Staff
    supervisor: Staff
    leaver: Staff
    team: Team
    location: Location
    client: ApiClient
    token: AccessToken
    grant: RoleGrant


def build() -> Company:
    market = MarketFactory.create()
    team = TeamFactory.create(market=market)
    agent: Any = StaffFactory.create(team=team, roles=[Role.AGENT])
    return Company(
        market=market,
        admin=StaffFactory.create(market=market, roles=[Role.ADMINISTRATOR]),
        agent=agent,
        supervisor=StaffFactory.create(market=market, roles=[Role.SUPERVISOR]),
        leaver=StaffFactory.create(market=market, roles=[Role.AGENT], is_active=False),
        team=team,
        location=LocationFactory.create(market=market),
        client=ApiClientFactory.create(market=market),
        token=AccessTokenFactory.create(staff=agent),
        grant=RoleGrant.objects.get(staff=agent),
    )


Act = Callable[[Company, Any], Any]

# Each action as a function of the company and of who acts.
ACTIONS: dict[str, Act] = {
    "change_location": lambda co, by: actions.change_location(
        location=co.location, name="Hotel Sur", by=by
    ),
    "change_market": lambda co, by: actions.change_market(market=co.market, undo_minutes=5, by=by),
    "change_staff": lambda co, by: actions.change_staff(
        staff=co.agent, name="Mariana Ortiz", email="mariana@example.com", by=by
    ),
    "change_team": lambda co, by: actions.change_team(team=co.team, name="Noche", by=by),
    "create_api_client": lambda co, by: actions.create_api_client(
        market=co.market, name="Caja 9", scopes=["coupons:redeem"], by=by
    ),
    "create_location": lambda co, by: actions.create_location(
        market=co.market, code="SUR", name="Hotel Sur", by=by
    ),
    "create_market": lambda co, by: actions.create_market(
        code="PE",
        name="Perú",
        brand="Alameda",
        country="PE",
        currency="PEN",
        locale="es-PE",
        language="es",
        time_zone="America/Lima",
        sender_email="hola@example.com",
        administrator=co.supervisor,
        by=by,
    ),
    "create_staff": lambda co, by: actions.create_staff(
        username="nora",
        name="Nora Díaz",
        email="nora@example.com",
        phone="55 1234 5678",
        market=co.market,
        roles=[Role.AGENT, Role.CASHIER],
        team=co.team,
        location=co.location,
        password=PASSWORD,
        by=by,
    ),
    "create_team": lambda co, by: actions.create_team(
        market=co.market, name="Noche", supervisors=[co.supervisor], by=by
    ),
    "deactivate_staff": lambda co, by: actions.deactivate_staff(staff=co.agent, by=by),
    "end_role": lambda co, by: actions.end_role(grant=co.grant, by=by),
    "grant_role": lambda co, by: actions.grant_role(
        staff=co.agent, market=co.market, role=Role.CASHIER, by=by
    ),
    "move_to_team": lambda co, by: actions.move_to_team(staff=co.agent, team=None, by=by),
    "reactivate_staff": lambda co, by: actions.reactivate_staff(staff=co.leaver, by=by),
    "revoke_api_client": lambda co, by: actions.revoke_api_client(client=co.client, by=by),
    "rotate_api_client_key": lambda co, by: actions.rotate_api_client_key(client=co.client, by=by),
    "save_team": lambda co, by: actions.save_team(
        team=co.team, name="Noche", is_active=True, supervisors=[co.supervisor], by=by
    ),
    "set_new_password": lambda co, by: actions.set_new_password(
        staff=co.agent, password=PASSWORD, by=by
    ),
    "set_team_supervisors": lambda co, by: actions.set_team_supervisors(
        team=co.team, supervisors=[co.supervisor], by=by
    ),
}

# What people do to their own account; whoever else acts is refused.
OWN_ACTIONS: dict[str, Act] = {
    "change_own_password": lambda co, by: actions.change_own_password(
        staff=co.agent, password=PASSWORD
    ),
    "change_preferences": lambda co, by: actions.change_preferences(by=co.agent, theme="dark"),
    "create_access_token": lambda co, by: actions.create_access_token(staff=co.agent, by=by),
    "revoke_access_token": lambda co, by: actions.revoke_access_token(token=co.token, by=by),
}


def snapshot() -> dict[str, list[str]]:
    """Every row of every table of the project as its text, audit and outbox included.

    One question for all tables: the sweeps of every route and act take hundreds of these.
    """
    own = {
        model._meta.label: model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.split(".")[0] in APPS
    }
    found: dict[str, list[str]] = {label: [] for label in own}
    # The names are those of our own models.
    tables = [f"SELECT '{label}', line::text FROM {own[label]} AS line" for label in own]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(tables))
        for label, line in cursor.fetchall():
            found[label].append(line)
    return {label: sorted(lines) for label, lines in found.items()}


APPS = {"audit", "accounts", "delivery", "incidents", "compensations", "desk", "reporting"}
