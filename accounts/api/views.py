"""Who am I, is it up, and the description of the API itself."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import health
from ..models import ApiClient
from ..permissions import visible_markets
from . import schema  # noqa: F401  registers the ways to sign in with the description
from .authentication import caller_of
from .shapes import Alive, Client, Me, Person, Ready


class MeView(APIView):
    """The caller, with the roles or scopes held now."""

    @extend_schema(responses=Me)
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        if isinstance(caller, ApiClient):
            return Response(Client(caller).data)
        return Response(Person(caller, context={"markets": list(visible_markets(caller))}).data)


class OpenView(APIView):
    """Answers anybody, and asks nobody who they are."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class LiveView(OpenView):
    """The process answers."""

    @extend_schema(responses=Alive, auth=[])
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyView(OpenView):
    """The process can work: 200, or 503 with what is missing."""

    @extend_schema(responses={200: Ready, 503: Ready}, auth=[])
    def get(self, request: Request) -> Response:
        found = health.checks()
        good = all(found.values())
        words = {name: "ok" if value else "unavailable" for name, value in found.items()}
        return Response(
            {"status": "ok" if good else "unavailable", "checks": words},
            status=200 if good else 503,
            headers={} if good else {"Retry-After": "5"},
        )


class Schema(SpectacularAPIView):
    """The OpenAPI description, generated from the code."""

    authentication_classes = ()


class Docs(View):
    """The description as a page, from files of this host."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "accounts/api_docs.html")


@extend_schema(exclude=True)
class NothingHere(OpenView):
    """Any other address of the API."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404
