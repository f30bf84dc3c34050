"""Offers of an incident, and compensations: granted, listed, voided. The desk's part of the API."""

import uuid

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filters import OnlyKnownParameters
from accounts.api.idempotency import idempotent, idempotent_act
from accounts.api.permissions import Roles
from accounts.api.serializers import checked, shown
from accounts.models import Staff
from accounts.states import Role
from common.errors import NotFound
from common.rows import loaded
from incidents.models import Incident
from incidents.selectors import readable_key, visible_incidents

from ..actions import grant_or_request, void
from ..filters import CompensationFilter
from ..models import Approval, Compensation, Offer
from ..selectors import offers_for, visible_compensations
from ..states import CompensationState
from . import examples
from .serializers import CompensationShape, GrantRequest, OffersShape, VoidRequest

READERS = Roles(Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
GRANTERS = Roles(Role.AGENT, Role.SUPERVISOR)


def _staff(request: Request) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user


def _incident(request: Request, folio: str) -> Incident:
    """The incident, if the caller may see it. Raises NotFound."""
    found = (
        visible_incidents(request.user)
        .select_related("market", "customer", "category")
        .filter(folio=folio.upper())
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _visible(request: Request) -> QuerySet[Compensation]:
    decisions = Prefetch("approvals", Approval.objects.order_by("-id"), to_attr="decisions")
    return (
        visible_compensations(_staff(request))
        .select_related("coupon", "category", "version")
        .prefetch_related(decisions)
    )


class OffersView(APIView):
    """The approved offers of one incident, with the room the caller has left."""

    permission_classes = (READERS,)

    @extend_schema(
        operation_id="incident_offers",
        tags=["compensations"],
        responses={200: OffersShape, 404: examples.NOT_FOUND},
        examples=[examples.answer("Offers", examples.OFFERS)],
    )
    def get(self, request: Request, folio: str) -> Response:
        incident = _incident(request, folio)
        staff = _staff(request)
        granting = staff.has_role(incident.market_id, Role.AGENT, Role.SUPERVISOR)
        card = offers_for(incident, by=staff if granting else None)
        return Response(
            OffersShape(
                {
                    "incident": incident.folio,
                    "currency": incident.currency,
                    "scale_version": card.version.number if card.version else None,
                    "offers": card.options,
                }
            ).data
        )


class GrantView(APIView):
    """Grants an offer on an incident; its message to the customer is queued in the same commit.

    What the caller may not grant alone becomes a request where the body has a `reason`: the answer
    is then 202 and nothing is issued yet. Without one it is refused, and `request` in the refusal
    says whether asking would help.
    """

    permission_classes = (GRANTERS,)

    @extend_schema(
        operation_id="incident_grant",
        tags=["compensations"],
        request=GrantRequest,
        responses={
            201: CompensationShape,
            202: CompensationShape,
            404: examples.NOT_FOUND,
            409: examples.LIMIT,
            422: examples.OUT_OF_RANGE,
        },
        examples=[
            examples.request("The offer's default amount", {"offer": 42}),
            examples.request("An amount inside the range", {"offer": 42, "amount_minor": 25000}),
            examples.request(
                "Asking where needed", {"offer": 42, "reason": "Second failure of the trip."}
            ),
            examples.answer("Granted", examples.COMPENSATION, 201),
            examples.answer("Waiting for a second person", examples.REQUESTED, 202),
        ],
    )
    @idempotent_act
    def post(self, request: Request, folio: str) -> Response:
        values = checked(GrantRequest, request.data)
        # Whether it may be seen; granting reads it again, locked.
        staff = _staff(request)
        key = readable_key(staff, folio)
        if key is None:
            raise NotFound
        made = grant_or_request(
            incident=loaded(Incident, id=key),
            # Named by its id alone: what counts is the live scale's own.
            offer=loaded(Offer, id=values["offer"]),
            amount_minor=values.get("amount_minor"),
            channel=values.get("channel"),
            reason=values.get("reason", ""),
            by=staff,
        )
        asked = made.state == CompensationState.REQUESTED
        return Response(shown(CompensationShape, made), status=202 if asked else 201)


class CompensationsView(OnlyKnownParameters, ListAPIView[Compensation]):
    """Compensations the caller may see, newest first, in pages by key."""

    permission_classes = (READERS,)
    serializer_class = CompensationShape
    filterset_class = CompensationFilter

    def get_queryset(self) -> QuerySet[Compensation]:
        if getattr(self, "swagger_fake_view", False):
            return Compensation.objects.none()
        return _visible(self.request)

    @extend_schema(operation_id="compensations", tags=["compensations"])
    def get(self, request: Request) -> Response:
        return self.list(request)


class VoidView(APIView):
    """Takes back what was not redeemed: its agent within ten minutes, later a supervisor."""

    permission_classes = (GRANTERS,)

    @extend_schema(
        operation_id="compensation_void",
        tags=["compensations"],
        request=VoidRequest,
        responses={
            200: CompensationShape,
            403: examples.VOID_WINDOW_OVER,
            404: examples.NOT_FOUND,
            409: examples.VOID_REFUSED,
        },
        examples=[
            examples.request("With its reason", {"reason": "Granted on the wrong case"}),
            examples.answer(
                "Voided",
                {
                    **examples.COMPENSATION,
                    "state": "voided",
                    "void_reason": "Granted on the wrong case",
                    "ended_at": "2026-11-22T15:09:41.700Z",
                    "coupon": {**examples.COUPON, "state": "voided"},
                },
            ),
        ],
    )
    @idempotent
    def post(self, request: Request, id: uuid.UUID) -> Response:
        shape = VoidRequest(data=request.data)
        shape.is_valid(raise_exception=True)
        found = _visible(request).filter(pk=id).first()
        if found is None:
            raise NotFound
        void(compensation=found, reason=shape.validated_data["reason"], by=_staff(request))
        return Response(CompensationShape(_visible(request).get(pk=id)).data)
