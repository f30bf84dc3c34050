"""A small company for tests: one market with a live scale, limits, people and a case.

Everything goes through the same actions as in the product, so that a scenario that the rules would
refuse cannot be built.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.actions import create_api_client
from accounts.models import ApiClient, Location, Market, RoleGrant, Staff, Team
from accounts.states import Role, Scope
from common.ids import uuid7
from compensations import codes
from compensations.actions import approve_scale, create_draft, publish_scale, submit_scale
from compensations.models import (
    Compensation,
    Coupon,
    IssuanceLimit,
    Offer,
    ScaleRule,
    ScaleVersion,
)
from compensations.states import LimitState, ScaleState
from incidents.actions import create_customer, open_incident
from incidents.models import Category, Customer, Incident

OFFERS: dict[str, dict[str, Any]] = {
    "coupon": {
        "kind": "coupon",
        "minimum": 100_00,
        "default": 200_00,
        "maximum": 300_00,
    },
    "gift_card": {
        "kind": "gift_card",
        "minimum": 500_00,
        "default": 500_00,
        "maximum": 500_00,
    },
    "refund": {
        "kind": "partial_refund",
        "basis": "percent",
        "minimum": 10_00,
        "default": 25_00,
        "maximum": 50_00,
        "cap_minor": 1_000_00,
    },
    "statutory": {
        "kind": "full_refund",
        "basis": "percent",
        "minimum": 100_00,
        "default": 100_00,
        "maximum": 100_00,
        "cap_minor": 1_000_000_00,
        "is_statutory": True,
    },
    "large": {
        "kind": "courtesy",
        "minimum": 50_00,
        "default": 900_00,
        "maximum": 1_500_00,
        "approval_from_minor": 800_00,
    },
}


@dataclass
class Company:
    """The named cast: an agent, a colleague, their supervisor, finance twice, a cashier, a till."""

    market: Market
    location: Location
    team: Team
    agent: Staff
    colleague: Staff
    supervisor: Staff
    elena: Staff
    hugo: Staff
    cashier: Staff
    administrator: Staff
    till: ApiClient
    till_key: str
    category: Category
    scale: ScaleVersion
    offers: dict[str, Offer]

    def customer(self, **fields: Any) -> Customer:
        values = {"name": "Mariana Solís", "email": f"{uuid.uuid4().hex[:10]}@example.com"}
        return create_customer(market=self.market, by=self.agent, **{**values, **fields})

    def incident(self, customer: Customer | None = None, **fields: Any) -> Incident:
        values = {
            "category": self.category,
            "severity": self.category.suggested_severity,
            "narrative": "El cuarto no estaba listo a las cinco.",
            "channel": "phone",
            "amount_at_stake_minor": 2_000_00,
        }
        return open_incident(
            market=self.market,
            customer=customer or self.customer(),
            by=self.agent,
            **{**values, **fields},
        )

    def limit(
        self, scope: str, window: str, measure: str, cap: int, **target: Any
    ) -> IssuanceLimit:
        return IssuanceLimit.objects.create(
            market=self.market,
            scope=scope,
            window=window,
            measure=measure,
            cap=cap,
            state=LimitState.IN_FORCE,
            proposed_by=self.elena,
            decided_by=self.hugo,
            decided_at=timezone.now(),
            **target,
        )

    def republish(self, offer: str, **changes: Any) -> Offer:
        """A new live version in which one offer differs; returns it."""
        draft = create_draft(market=self.market, by=self.elena)
        changed = Offer.objects.get(rule__version=draft, name_en=offer)
        for name, value in changes.items():
            setattr(changed, name, value)
        changed.save()
        submit_scale(version=draft, by=self.elena)
        self.approve(draft)
        self.scale = publish_scale(version=draft, by=self.hugo)
        return changed

    def approve(self, version: ScaleVersion) -> ScaleVersion:
        """By Hugo, and by a third person of finance where the change is large."""
        row = approve_scale(version=version, by=self.hugo)
        if row.state == ScaleState.IN_REVIEW:
            third = person(self.market, "tercera", Role.FINANCE)
            row = approve_scale(version=version, by=third)
        return row


def person(market: Market, name: str, *roles: str, team: Team | None = None) -> Staff:
    """A member of staff with a handle nobody else has."""
    staff = Staff.objects.create(
        username=f"{name}-{uuid7().hex[-8:]}",
        name=name.title(),
        email=f"{name}-{uuid7().hex[-8:]}@staff.example",
        team=team,
    )
    for role in roles:
        RoleGrant.objects.create(staff=staff, market=market, role=role)
    return staff


def code_of(compensation: Compensation) -> str:
    """The code as the customer would type it."""
    code = codes.read_code(Coupon.objects.get(compensation=compensation))
    assert code is not None
    return codes.display(code)


def build(code: str = "MX") -> Company:
    """A market in Mexican pesos, ready to grant, without any limit."""
    market = Market.objects.create(
        code=code,
        name=f"Hoteles {code}",
        brand="Hotel Mar de Plata",
        country="MX",
        currency="MXN",
        locale="es-MX",
        language="es",
        time_zone="America/Mexico_City",
        sender_email="hola@mar.example",
    )
    location = Location.objects.create(market=market, code="CUN", name="Cancún")
    team = Team.objects.create(market=market, name="Recepción")
    people = {
        name: person(market, name, role, team=team)
        for name, role in {
            "agent": Role.AGENT,
            "colleague": Role.AGENT,
            "supervisor": Role.SUPERVISOR,
            "elena": Role.FINANCE,
            "hugo": Role.FINANCE,
            "cashier": Role.CASHIER,
            "administrator": Role.ADMINISTRATOR,
        }.items()
    }
    team.supervisors.add(people["supervisor"])
    parent = Category.objects.create(
        market=market, code="room", name_es="Habitación", name_en="Room"
    )
    category = Category.objects.create(
        market=market,
        parent=parent,
        code="room-late",
        name_es="Habitación no lista",
        name_en="Room not ready",
        suggested_severity="moderate",
    )
    draft = create_draft(market=market, by=people["elena"])
    rule = ScaleRule.objects.create(version=draft, category=parent, severity="moderate")
    offers = {
        name: Offer.objects.create(
            rule=rule,
            position=position,
            name_es=name,
            name_en=name,
            expected_cost_bp=6000,
            validity_days=90,
            **values,
        )
        for position, (name, values) in enumerate(OFFERS.items())
    }
    submit_scale(version=draft, by=people["elena"])
    approve_scale(version=draft, by=people["hugo"])
    scale = publish_scale(version=draft, by=people["hugo"])
    till, key = create_api_client(
        market=market,
        name="Caja",
        scopes=[Scope.COUPONS_VALIDATE, Scope.COUPONS_REDEEM],
        by=people["administrator"],
    )
    return Company(
        market=market,
        location=location,
        team=team,
        till=till,
        till_key=key,
        category=category,
        scale=scale,
        offers=offers,
        **people,
    )
