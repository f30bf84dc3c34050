"""A desk for tests: one market with categories, a place, an agent of a team, another market."""

from dataclasses import dataclass
from typing import Any

import pytest

from accounts.models import Location, Market, Team
from accounts.states import Role
from accounts.tests.factories import LocationFactory, MarketFactory, StaffFactory, TeamFactory
from incidents.actions import create_customer, open_incident
from incidents.models import Category, Customer, Incident
from incidents.states import Severity

from .factories import CategoryFactory


@dataclass
class Desk:
    market: Market
    team: Team
    location: Location
    # Who acts: a client in a few tests.
    agent: Any
    room: Category
    noise: Category

    def customer(self, name: str = "Mariana López", **fields: Any) -> Customer:
        return create_customer(market=self.market, name=name, by=self.agent, **fields)

    def incident(self, customer: Customer | None = None, **fields: Any) -> Incident:
        values = {"category": self.room, "narrative": "No había agua caliente.", "channel": "phone"}
        return open_incident(
            market=self.market,
            customer=customer or self.customer(),
            by=self.agent,
            **{**values, **fields},
        )


@pytest.fixture
def desk(db: None) -> Desk:
    market = MarketFactory.create(code="MX", time_zone="America/Mexico_City")
    team = TeamFactory.create(market=market)
    room = CategoryFactory.create(market=market, code="room")
    return Desk(
        market=market,
        team=team,
        location=LocationFactory.create(market=market, code="CUN"),
        agent=StaffFactory.create(market=market, team=team, roles=[Role.AGENT]),
        room=room,
        noise=CategoryFactory.create(
            market=market, code="noise", parent=room, suggested_severity=Severity.MINOR
        ),
    )


@pytest.fixture
def abroad(db: None) -> Desk:
    """The same in another market, of which the first one's people see nothing."""
    market = MarketFactory.create(code="CO", country="CO", currency="COP", locale="es-CO")
    team = TeamFactory.create(market=market)
    room = CategoryFactory.create(market=market, code="room")
    return Desk(
        market=market,
        team=team,
        location=LocationFactory.create(market=market, code="BOG"),
        agent=StaffFactory.create(market=market, team=team, roles=[Role.AGENT]),
        room=room,
        noise=CategoryFactory.create(market=market, code="noise", parent=room),
    )
