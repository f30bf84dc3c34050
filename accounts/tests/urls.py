"""Addresses for the tests of the API's ground: real ones, and endpoints that do one thing."""

import datetime as dt
import secrets

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import idempotent
from accounts.api.permissions import HasScope, Roles
from accounts.api.serializers import StrictSerializer
from accounts.models import Holiday, Market
from accounts.states import Role, Scope
from common.errors import InvalidInput, NotAllowed

# What a test lets an endpoint wait for, or do, while it runs.
hooks: dict[str, object] = {}


class Spending(StrictSerializer):
    amount = serializers.IntegerField(min_value=1, max_value=1000)
    note = serializers.CharField(max_length=20, required=False)
    made = serializers.CharField(read_only=True)


@extend_schema(exclude=True)
class SpendView(APIView):
    """Its effect is one holiday per call, so that effects can be counted."""

    @idempotent
    def post(self, request: Request) -> Response:
        shape = Spending(data=request.data)
        shape.is_valid(raise_exception=True)
        amount = shape.validated_data["amount"]
        at_once = hooks.get("refuse at once")
        if isinstance(at_once, Exception):
            raise at_once
        market = Market.objects.order_by("pk")[0]
        number = Holiday.objects.count() + 1
        # Any date: two requests at once must not meet on the holiday's own constraint.
        date = dt.date(2031, 1, 1) + dt.timedelta(days=secrets.randbelow(1_000_000))
        Holiday.objects.create(market=market, date=date, name=str(amount))
        wait = hooks.get("wait")
        if callable(wait):
            wait()
        if amount == 422:
            raise InvalidInput(field="amount", extra={"left": 7})
        if amount == 403:
            raise NotAllowed
        if amount == 500:
            raise RuntimeError("broken on purpose")
        return Response({"zeta": number, "alpha": amount}, status=201)


@extend_schema(exclude=True)
class GuardedView(APIView):
    """For a cashier, or a till that redeems."""

    permission_classes = (Roles(Role.CASHIER) | HasScope(Scope.COUPONS_REDEEM),)

    def get(self, request: Request) -> Response:
        return Response({"who": str(request.user.pk)})


class HolidayShape(serializers.ModelSerializer[Holiday]):
    class Meta:
        model = Holiday
        fields = ["id", "name"]


@extend_schema(exclude=True)
class HolidayList(ListAPIView[Holiday]):
    serializer_class = HolidayShape
    queryset = Holiday.objects.all()


urlpatterns = [
    path("spend", SpendView.as_view()),
    path("guarded", GuardedView.as_view()),
    path("holidays", HolidayList.as_view()),
    path("api/v1/", include("accounts.api.urls")),
]
