"""What the endpoints of this app answer."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from ..models import ApiClient, Market, Staff
from ..states import Language, Role, Scope


class MarketRoles(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))


class Person(serializers.Serializer[Staff]):
    """A member of staff; roles by market."""

    kind = serializers.SerializerMethodField()
    id = serializers.UUIDField()
    username = serializers.CharField()
    name = serializers.CharField()
    language = serializers.ChoiceField(choices=Language.choices)
    markets = serializers.SerializerMethodField()

    def get_kind(self, staff: Staff) -> str:
        return "staff"

    def get_markets(self, staff: Staff) -> list[dict[str, Any]]:
        markets: list[Market] = self.context["markets"]
        return [
            {
                "code": market.code,
                "name": market.name,
                "currency": market.currency,
                "roles": sorted(staff.role_map[market.pk]),
            }
            for market in markets
        ]


class Client(serializers.Serializer[ApiClient]):
    """An API client of one market."""

    kind = serializers.SerializerMethodField()
    id = serializers.UUIDField()
    name = serializers.CharField()
    market = serializers.CharField(source="market.code")
    currency = serializers.CharField(source="market.currency")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    expires_at = serializers.DateTimeField()

    def get_kind(self, client: ApiClient) -> str:
        return "client"


Me = PolymorphicProxySerializer(
    component_name="Me", serializers=[Person, Client], resource_type_field_name=None
)


class Alive(serializers.Serializer[Any]):
    status = serializers.CharField()


class Ready(serializers.Serializer[Any]):
    status = serializers.CharField()
    checks = serializers.DictField(child=serializers.CharField())


class Problem(serializers.Serializer[Any]):
    """Problem details (RFC 9457). A rule adds its numbers as further members."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
    request_id = serializers.CharField()
