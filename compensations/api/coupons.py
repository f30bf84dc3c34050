"""The till's part of the API: validate, reserve, redeem, release, reverse.

A code comes in a body and in nothing else. Each act goes through `guarded`, so that codes which do
not work are counted, and gets one answer for every code that cannot be used.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.answers import Answering
from accounts.api.idempotency import idempotent, idempotent_at_once
from accounts.api.permissions import HasScope, Roles
from accounts.api.serializers import checked, shown
from accounts.models import ApiClient, Staff
from accounts.states import Role, Scope

from ..actions import redeem, redeem_and_answer, release, reserve, reverse, validate_coupon
from ..guesses import guarded, guarded_act, origin_of, refusing
from ..tills import Till, sale_at, till_of
from . import examples
from .serializers import (
    REDEMPTION_IN_SQL,
    CodeRequest,
    RedeemRequest,
    RedemptionShape,
    ReservationShape,
    ReserveRequest,
    ReversalShape,
    ReverseRequest,
    ValidatedShape,
)

MAY_REDEEM = Roles(Role.CASHIER) | HasScope(Scope.COUPONS_REDEEM)
MAY_VALIDATE = MAY_REDEEM | HasScope(Scope.COUPONS_VALIDATE)


def _read(request: Request, shape: type[Serializer[Any]]) -> tuple[dict[str, Any], Till]:
    """The body's values and the till. Raises ValidationError, InvalidInput, NotAllowed."""
    values = checked(shape, request.data)
    return values, till_of(_caller(request), values.get("location", ""))


def _caller(request: Request) -> ApiClient | Staff:
    assert isinstance(request.user, ApiClient | Staff)
    return request.user


def _client(request: Request) -> ApiClient:
    caller = _caller(request)
    assert isinstance(caller, ApiClient)
    return caller


class ValidateView(APIView):
    """What a code is worth here and now. Changes nothing."""

    permission_classes = (MAY_VALIDATE,)

    @extend_schema(
        operation_id="coupon_validate",
        tags=["coupons"],
        request=CodeRequest,
        responses={200: ValidatedShape, 422: examples.NOT_VALID, 429: examples.GUESSING},
        examples=[
            examples.request("At a location", {"code": examples.CODE, "location": "CUN"}),
            examples.answer("Valid", examples.VALIDATED),
        ],
    )
    def post(self, request: Request) -> Response:
        values, till = _read(request, CodeRequest)
        caller = _caller(request)
        origin = origin_of(request._request, caller, till.location)
        with guarded(origin, code=values["code"], market=till.market):
            found = validate_coupon(
                code=values["code"], market=till.market, location=till.location, by=caller
            )
        return Response(shown(ValidatedShape, found))


def _redeem_at_once(request: Request, answering: Answering) -> str | None:
    """The redemption and its answer in one statement, for a client, whose till is known unread."""
    caller = _caller(request)
    if not isinstance(caller, ApiClient):
        return None
    values = checked(RedeemRequest, request.data)
    market, location = caller.market, values.get("location", "")
    origin = origin_of(request._request, caller, location)
    with refusing(origin) as guard:
        return redeem_and_answer(
            code=values["code"],
            external_transaction_id=values["external_transaction_id"],
            market=market,
            location=location,
            amount_minor=values.get("amount_minor"),
            by=caller,
            body=REDEMPTION_IN_SQL,
            guards=[answering.guard, guard],
            answering=answering,
        )


class RedeemView(APIView):
    """Uses a coupon once, or part of a gift card's balance."""

    permission_classes = (MAY_REDEEM,)

    @extend_schema(
        operation_id="coupon_redeem",
        tags=["coupons"],
        request=RedeemRequest,
        responses={
            200: RedemptionShape,
            409: examples.RUNNING,
            422: examples.NOT_VALID,
            429: examples.GUESSING,
        },
        examples=[
            examples.request(
                "A coupon",
                {
                    "code": examples.CODE,
                    "external_transaction_id": examples.SALE,
                    "location": "CUN",
                },
            ),
            examples.request(
                "Part of a gift card",
                {
                    "code": examples.CODE,
                    "external_transaction_id": examples.SALE,
                    "amount_minor": 12500,
                },
            ),
            examples.answer("Redeemed", examples.REDEEMED),
        ],
    )
    @idempotent_at_once(_redeem_at_once)
    def post(self, request: Request) -> Response:
        values = checked(RedeemRequest, request.data)
        caller = _caller(request)
        market, location = sale_at(caller, values.get("location", ""))
        origin = origin_of(request._request, caller, location)
        with guarded_act(origin, code=values["code"], market=market):
            made = redeem(
                code=values["code"],
                external_transaction_id=values["external_transaction_id"],
                market=market,
                location=location,
                amount_minor=values.get("amount_minor"),
                by=caller,
            )
        return Response(shown(RedemptionShape, made))


class ReverseView(APIView):
    """Undoes a redemption of this caller inside the market's window; the coupon is valid again."""

    permission_classes = (MAY_REDEEM,)

    @extend_schema(
        operation_id="coupon_reverse",
        tags=["coupons"],
        request=ReverseRequest,
        responses={
            200: ReversalShape,
            409: examples.REVERSAL_REFUSED,
            422: examples.NOT_VALID,
            429: examples.GUESSING,
        },
        examples=[
            examples.request(
                "By the number of the sale", {"external_transaction_id": examples.SALE}
            ),
            examples.request(
                "With its code and a reason",
                {
                    "code": examples.CODE,
                    "external_transaction_id": examples.SALE,
                    "location": "CUN",
                    "reason": "The sale was cancelled",
                },
            ),
            examples.answer("Reversed", examples.REVERSED),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        values, till = _read(request, ReverseRequest)
        caller = _caller(request)
        code = values.get("code")
        origin = origin_of(request._request, caller, till.location)
        with guarded_act(origin, code=code or "", market=till.market):
            done = reverse(
                code=code,
                external_transaction_id=values["external_transaction_id"],
                market=till.market,
                reason=values.get("reason", ""),
                by=caller,
            )
        return Response(shown(ReversalShape, done))


class ReserveView(APIView):
    """Holds a coupon for this client for some minutes, then lets it go by itself."""

    permission_classes = (HasScope(Scope.COUPONS_REDEEM),)

    @extend_schema(
        operation_id="coupon_reserve",
        tags=["coupons"],
        request=ReserveRequest,
        responses={200: ReservationShape, 422: examples.NOT_VALID, 429: examples.GUESSING},
        examples=[
            examples.request("For ten minutes", {"code": examples.CODE, "minutes": 10}),
            examples.answer("Held", examples.RESERVED),
        ],
    )
    def post(self, request: Request) -> Response:
        values, till = _read(request, ReserveRequest)
        client = _client(request)
        origin = origin_of(request._request, client, till.location)
        with guarded(origin, code=values["code"], market=till.market):
            held = reserve(
                code=values["code"],
                market=till.market,
                location=till.location,
                minutes=values["minutes"],
                by=client,
            )
        return Response(shown(ReservationShape, held))


class ReleaseView(APIView):
    """Gives back a coupon that this client holds."""

    permission_classes = (HasScope(Scope.COUPONS_REDEEM),)

    @extend_schema(
        operation_id="coupon_release",
        tags=["coupons"],
        request=CodeRequest,
        responses={200: ReservationShape, 422: examples.NOT_VALID, 429: examples.GUESSING},
        examples=[
            examples.request("By its code", {"code": examples.CODE}),
            examples.answer(
                "Given back", {**examples.RESERVED, "state": "issued", "reserved_until": None}
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        values, till = _read(request, CodeRequest)
        client = _client(request)
        origin = origin_of(request._request, client, till.location)
        with guarded(origin, code=values["code"], market=till.market):
            free = release(code=values["code"], market=till.market, by=client)
        return Response(shown(ReservationShape, free))
