"""Rows of this app for tests. Other apps' factories build upon these.

`StaffFactory(market=m, roles=[Role.AGENT])` gives a person with those roles; `ApiClientFactory` and
`AccessTokenFactory` keep the key they were made with in `.key`.
"""

import datetime as dt
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.keys import CLIENT_KEY, STAFF_KEY, key_hash, new_key
from accounts.models import AccessToken, ApiClient, Location, Market, RoleGrant, Staff, Team
from accounts.states import Scope

PASSWORD = "tres tristes tigres tragan"


class MarketFactory(DjangoModelFactory[Market]):
    class Meta:
        model = Market

    code = Sequence(lambda number: f"M{number}")
    name = LazyAttribute(lambda market: f"Market {market.code}")
    brand = "Hoteles Alameda"
    country = "MX"
    currency = "MXN"
    locale = "es-MX"
    language = "es"
    time_zone = "America/Mexico_City"
    sender_email = LazyAttribute(lambda market: f"{market.code.lower()}@example.com")


class LocationFactory(DjangoModelFactory[Location]):
    class Meta:
        model = Location

    market = SubFactory(MarketFactory)
    code = Sequence(lambda number: f"L{number}")
    name = LazyAttribute(lambda place: f"Hotel {place.code}")
    kind = "hotel"


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    market = SubFactory(MarketFactory)
    name = Sequence(lambda number: f"Team {number}")


class StaffFactory(DjangoModelFactory[Staff]):
    """`roles` are held in `market`, which is the team's when it is not given."""

    class Meta:
        model = Staff

    username = Sequence(lambda number: f"person{number}")
    name = Sequence(lambda number: f"Person {number}")
    email = LazyAttribute(lambda staff: f"{staff.username}@example.com")
    language = "en"

    @classmethod
    def _create(cls, model_class: type[Staff], *args: Any, **kwargs: Any) -> Staff:
        market = kwargs.pop("market", None)
        roles = kwargs.pop("roles", ())
        password = kwargs.pop("password", PASSWORD)
        team = kwargs.get("team")
        staff = model_class(**kwargs)
        staff.set_password(password)
        staff.save()
        if roles:
            place: Market = market or (team.market if team else MarketFactory.create())
            for role in roles:
                RoleGrant.objects.create(staff=staff, market=place, role=role)
        return staff


class ApiClientFactory(DjangoModelFactory[ApiClient]):
    class Meta:
        model = ApiClient

    market = SubFactory(MarketFactory)
    name = Sequence(lambda number: f"Till {number}")
    scopes = LazyFunction(lambda: list(Scope.values))
    expires_at = LazyFunction(lambda: timezone.now() + dt.timedelta(days=30))

    @classmethod
    def _create(cls, model_class: type[ApiClient], *args: Any, **kwargs: Any) -> ApiClient:
        key, prefix = new_key(CLIENT_KEY)
        client = model_class(key_prefix=prefix, key_hash=key_hash(key), **kwargs)
        client.save()
        client.key = key  # type: ignore[attr-defined]
        return client


class AccessTokenFactory(DjangoModelFactory[AccessToken]):
    class Meta:
        model = AccessToken

    staff = SubFactory(StaffFactory)
    expires_at = LazyFunction(lambda: timezone.now() + dt.timedelta(days=30))

    @classmethod
    def _create(cls, model_class: type[AccessToken], *args: Any, **kwargs: Any) -> AccessToken:
        key, prefix = new_key(STAFF_KEY)
        token = model_class(key_prefix=prefix, key_hash=key_hash(key), **kwargs)
        token.save()
        token.key = key  # type: ignore[attr-defined]
        return token
