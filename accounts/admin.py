"""Looking up people, places and keys. The library's own tables hold secrets and are left out."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin, name_models

from .models import (
    AccessToken,
    ApiClient,
    Holiday,
    IdempotentAnswer,
    Location,
    Market,
    RoleGrant,
    Staff,
    Team,
)
from .states import Role

# Sign-in goes through the pages that count attempts and ask for the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
for model in (EmailAddress, Authenticator, Group):
    admin.site.unregister(model)

READERS = (Role.ADMINISTRATOR, Role.AUDITOR)


class PlaceAdmin(ReadOnlyAdmin):
    readers = READERS


@admin.register(Market)
class MarketAdmin(PlaceAdmin):
    market_path = "pk"


@admin.register(Holiday, Location, Team, RoleGrant, ApiClient)
class InMarketAdmin(PlaceAdmin):
    pass


class OfPeopleAdmin(PlaceAdmin):
    """Rows of people who ever held a role in the reader's markets."""

    market_path = None
    person = "pk"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        assert isinstance(request.user, Staff)
        held = RoleGrant.objects.filter(
            staff=OuterRef(self.person), market__in=request.user.markets_with(*READERS)
        )
        return super().get_queryset(request).filter(Exists(held))


@admin.register(Staff)
class StaffAdmin(OfPeopleAdmin):
    search_fields = ("name", "username")


@admin.register(AccessToken)
class AccessTokenAdmin(OfPeopleAdmin):
    person = "staff"


@admin.register(IdempotentAnswer)
class IdempotentAnswerAdmin(PlaceAdmin):
    """Answers name their caller only; a reader sees those of the clients of their markets."""

    market_path = None
    hidden = ("body",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        assert isinstance(request.user, Staff)
        clients = ApiClient.objects.filter(market__in=request.user.markets_with(*READERS))
        callers = [str(pk) for pk in clients.values_list("pk", flat=True)]
        return super().get_queryset(request).filter(caller__in=callers)


name_models(
    {
        Market: (_("market"), _("markets")),
        Holiday: (_("holiday"), _("holidays")),
        Location: (_("location"), _("locations")),
        Team: (_("team"), _("teams")),
        RoleGrant: (_("granted role"), _("granted roles")),
        ApiClient: (_("API client"), _("API clients")),
        AccessToken: (_("API key"), _("API keys")),
        IdempotentAnswer: (_("repeatable answer"), _("repeatable answers")),
    }
)
