"""Endpoints of customers and incidents, for staff by session or token and intake clients by scope.

What exists for nobody and what exists for somebody else answer alike: 404.
"""

import uuid
from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.permissions import OR
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.choosing import not_offered
from accounts.api.filters import OnlyKnownParameters
from accounts.api.idempotency import HEADER, idempotent
from accounts.api.permissions import HasScope, Roles
from accounts.api.serializers import checked, shown
from accounts.models import ApiClient, Location, Market, Staff, Team
from accounts.states import Scope
from common.errors import InvalidInput, NotFound

from .. import actions, registry
from ..access import COMMENTERS, READERS, WRITERS
from ..filters import CustomerFilter, IncidentFilter
from ..models import Category, Customer, Incident
from ..selectors import (
    named_customer,
    named_for_opening,
    visible_customers,
    visible_incidents,
    with_list_relations,
)
from ..states import ContactKind, IncidentState
from .serializers import (
    CustomerIn,
    CustomerOut,
    CustomerPatch,
    IncidentChanged,
    IncidentIn,
    IncidentOut,
    IncidentPatch,
)

KEY = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=False,
    description="Optional here. Repeating it with the same body repeats the answer.",
)


class Creating(APIView):
    """A POST with an optional Idempotency-Key."""

    def create(self, request: Request) -> Response:
        raise NotImplementedError

    def post(self, request: Request) -> HttpResponse:
        return self._once(request) if HEADER in request.headers else self.create(request)

    @idempotent
    def _once(self, request: Request) -> Response:
        return self.create(request)


def _read(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    return dict(checked(shape, request.data))


def _caller(request: Request) -> Staff | ApiClient:
    """Who calls: the permission classes let nobody else in."""
    return cast("Staff | ApiClient", request.user)


def _market(caller: Staff | ApiClient, code: str | None) -> Market:
    """The market named, or the only one in which the caller writes."""
    keys = [caller.market_id] if isinstance(caller, ApiClient) else caller.markets_with(*WRITERS)
    rows = Market.objects.filter(pk__in=keys)
    found = list((rows.filter(code=code) if code else rows)[:2])
    if len(found) != 1:
        raise not_offered("market", rows.values_list("code", flat=True))
    return found[0]


def _category(market_id: int, code: str) -> Category:
    row = (
        Category.objects.filter(market=market_id, code__iexact=code, is_active=True)
        .select_related("parent")
        .first()
    )
    if row is None:
        raise _no_category(market_id)
    return row


def _no_category(market_id: int) -> InvalidInput:
    rows = Category.objects.filter(market=market_id, is_active=True)
    return not_offered("category", rows.values_list("code", flat=True))


def _location(market_id: int, code: str | None) -> Location | None:
    if not code:
        return None
    row = Location.objects.filter(market=market_id, code__iexact=code, is_active=True).first()
    if row is None:
        raise _no_location(market_id)
    return row


def _no_location(market_id: int) -> InvalidInput:
    rows = Location.objects.filter(market=market_id, is_active=True)
    return not_offered("location", rows.values_list("code", flat=True))


class CustomersView(OnlyKnownParameters, ListAPIView[Customer], Creating):
    """Customers of the caller's markets."""

    serializer_class = CustomerOut
    filterset_class = CustomerFilter

    def get_permissions(self) -> list[Any]:
        roles = READERS if self.request.method == "GET" else WRITERS
        return [OR(Roles(*roles)(), HasScope(Scope.CUSTOMERS_WRITE)())]

    def get_queryset(self) -> QuerySet[Customer]:
        return (
            visible_customers(self.request.user).defer("name_search").prefetch_related("contacts")
        )

    @extend_schema(
        summary="Find customers",
        description=(
            "Newest first, contacts masked. An API client names one customer exactly, by "
            "`external_ref`, `phone` or `email`: it looks up and never lists."
        ),
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        exact = {"external_ref", "phone", "email"}
        if isinstance(_caller(request), ApiClient) and not any(
            request.query_params.get(name, "").strip() for name in exact
        ):
            message = _("Name one customer exactly: by external_ref, phone or email.")
            raise ValidationError({"external_ref": [message]})
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Create a customer",
        request=CustomerIn,
        responses={201: CustomerOut},
        parameters=[KEY],
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    @transaction.atomic
    def create(self, request: Request) -> Response:
        data = _read(CustomerIn, request)
        segment = data.pop("segment", None)
        market = _market(_caller(request), data.pop("market", None))
        customer = actions.create_customer(market=market, by=_caller(request), **data)
        if segment is not None:
            customer = actions.set_segment(
                customer=customer, segment=segment, version=customer.version, by=_caller(request)
            )
        return Response(CustomerOut(customer).data, status=201)


class CustomerView(APIView):
    """One customer."""

    def get_permissions(self) -> list[Any]:
        roles = READERS if self.request.method == "GET" else COMMENTERS
        return [OR(Roles(*roles)(), HasScope(Scope.CUSTOMERS_WRITE)())]

    def _get(self, request: Request, key: uuid.UUID) -> Customer:
        row = visible_customers(request.user).filter(pk=key).prefetch_related("contacts").first()
        if row is None:
            raise NotFound
        return row

    @extend_schema(summary="Read a customer", responses=CustomerOut)
    def get(self, request: Request, key: uuid.UUID) -> Response:
        return Response(CustomerOut(self._get(request, key)).data)

    @extend_schema(
        summary="Change a customer",
        description=(
            "Send the `version` that was read; somebody else's save in between answers 409 with "
            "code `stale` and the present version. A new phone or email is added. Only finance "
            "and clients set `segment`."
        ),
        request=CustomerPatch,
        responses=CustomerOut,
    )
    def patch(self, request: Request, key: uuid.UUID) -> Response:
        customer = self._get(request, key)
        data = _read(CustomerPatch, request)
        self._change(_caller(request), customer, data)
        return Response(CustomerOut(self._get(request, key)).data)

    @transaction.atomic
    def _change(self, by: Staff | ApiClient, customer: Customer, data: dict[str, Any]) -> None:
        version = data.pop("version")
        contacts = {kind: data.pop(kind) for kind in ("phone", "email") if kind in data}
        segment = data.pop("segment", None)
        # Finance sets the segment and may change nothing else, so alone it checks the version.
        if data or contacts or segment is None:
            version = actions.change_customer(
                customer=customer, version=version, by=by, **data
            ).version
        for kind, value in contacts.items():
            actions.add_contact(customer=customer, kind=ContactKind(kind), value=value, by=by)
        if segment is not None:
            actions.set_segment(customer=customer, segment=segment, version=version, by=by)


class IncidentsView(OnlyKnownParameters, ListAPIView[Incident], Creating):
    """Incidents that the caller may read; a client's are those it sent."""

    serializer_class = IncidentOut
    filterset_class = IncidentFilter

    def get_permissions(self) -> list[Any]:
        roles = READERS if self.request.method == "GET" else WRITERS
        return [OR(Roles(*roles)(), HasScope(Scope.INCIDENTS_WRITE)())]

    def get_queryset(self) -> QuerySet[Incident]:
        return with_list_relations(visible_incidents(self.request.user))

    @extend_schema(summary="List and search incidents", description="Newest first.")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Log an incident",
        request=IncidentIn,
        responses={201: IncidentOut},
        parameters=[KEY],
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    def create(self, request: Request) -> Response:
        data = _read(IncidentIn, request)
        caller = _caller(request)
        place = data.pop("location", None) or ""
        named = named_for_opening(caller, data.pop("customer"), data.pop("category"), place)
        if named is None:
            raise _no_customer()
        market = named.customer.market
        if named.category is None:
            raise _no_category(market.pk)
        if place and named.location is None:
            raise _no_location(market.pk)
        incident = actions.open_incident(
            market=market,
            customer=named.customer,
            category=named.category,
            location=named.location,
            by=caller,
            **data,
        )
        incident.team = named.team
        return Response(shown(IncidentOut, incident), status=201)


class IncidentView(APIView):
    """One incident, by its folio."""

    def get_permissions(self) -> list[Any]:
        roles = READERS if self.request.method == "GET" else WRITERS
        return [OR(Roles(*roles)(), HasScope(Scope.INCIDENTS_WRITE)())]

    def _get(self, request: Request, folio: str) -> Incident:
        rows = with_list_relations(visible_incidents(request.user))
        row = rows.filter(folio=folio.upper()).first()
        if row is None:
            raise NotFound
        return row

    @extend_schema(summary="Read an incident", responses=IncidentOut)
    def get(self, request: Request, folio: str) -> Response:
        return Response(IncidentOut(self._get(request, folio)).data)

    @extend_schema(
        summary="Change an incident",
        description=(
            "Send the `version` that was read; somebody else's save in between answers 409 with "
            "code `stale` and the present version. Resolving is not stopped by a hand-over that "
            "nobody confirmed: `warnings` names each, and is empty otherwise."
        ),
        request=IncidentPatch,
        responses=IncidentChanged,
    )
    def patch(self, request: Request, folio: str) -> Response:
        incident = self._get(request, folio)
        data = _read(IncidentPatch, request)
        resolving = data.get("state") == IncidentState.RESOLVED
        self._change(_caller(request), incident, data)
        changed = self._get(request, folio)
        context = {"open_ends": registry.open_ends(changed) if resolving else []}
        return Response(IncidentChanged(changed, context=context).data)

    @transaction.atomic
    def _change(self, by: Staff | ApiClient, incident: Incident, data: dict[str, Any]) -> None:
        market_id = incident.market_id
        state = data.pop("state", None)
        words = {name: data.pop(name) for name in ("resolution", "reason") if name in data}
        if "category" in data:
            data["category"] = _category(market_id, data["category"])
        if "location" in data:
            data["location"] = _location(market_id, data["location"])
        if "owner" in data:
            data["owner"] = _person(data["owner"])
        if "team" in data:
            data["team"] = _team(market_id, data["team"])
        if "customer" in data:
            self._identify(by, incident, data)
        actions.change_incident(incident=incident, by=by, **data)
        if state is None:
            return
        if not isinstance(by, Staff):
            raise InvalidInput(_("Only a person moves a case on."), field="state")
        match state:
            case IncidentState.RESOLVED:
                actions.resolve_incident(incident=incident, by=by, **words)
            case IncidentState.CLOSED:
                actions.close_incident(incident=incident, by=by)
            case IncidentState.IN_RECOVERY:
                actions.reopen_incident(incident=incident, by=by, **words)

    def _identify(self, by: Staff | ApiClient, incident: Incident, data: dict[str, Any]) -> None:
        """Gives the case the customer it names; one that it has already is left alone."""
        key = data.pop("customer")
        if key == incident.customer_id:
            return
        customer = named_customer(by, key)
        if customer is None:
            raise _no_customer()
        data["version"] = actions.identify_customer(
            incident=incident, customer=customer, version=data["version"], by=by
        ).version


def _no_customer() -> InvalidInput:
    return InvalidInput(
        _("There is no such customer here. GET /customers finds one, and gives its id."),
        field="customer",
    )


def _person(key: uuid.UUID | None) -> Staff | None:
    if key is None:
        return None
    row = Staff.objects.filter(pk=key, is_active=True).first()
    if row is None:
        raise InvalidInput(
            _("Nobody who works here has this id. A case says its owner's."), field="owner"
        )
    return row


def _team(market_id: int, key: int | None) -> Team | None:
    if key is None:
        return None
    row = Team.objects.filter(pk=key, market=market_id).first()
    if row is None:
        raise InvalidInput(
            _("There is no team with this id here. A case says its team's."), field="team"
        )
    return row
