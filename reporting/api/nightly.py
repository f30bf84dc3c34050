"""Nightly reports over the API: the list, and one market's date as its reader may see it."""

import datetime as dt
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filters import OnlyKnownParameters
from accounts.api.permissions import Roles
from accounts.models import Market, Staff, Team
from common.errors import NotFound
from compensations.api import examples

from ..models import NightlyReport
from ..night_words import attention, summary
from ..selectors.reports import part_of, reading_sight, seen_team_ids
from ..selectors.sight import LOOKERS, Sight
from .filters import NightlyFilter

MAY_READ = Roles(*LOOKERS)


class SignatureShape(serializers.Serializer[dict[str, Any]]):
    """One team of a report, and who signed the present revision, if anybody."""

    team = serializers.CharField()
    signed_by = serializers.CharField(allow_null=True, help_text="User name.")
    signed_at = serializers.DateTimeField(allow_null=True)


class _Sights:
    """What a person sees of each market, and the names of its teams; asked once a request."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self._sights: dict[int, Sight] = {}

    def of(self, market: Market) -> Sight:
        if market.pk not in self._sights:
            self._sights[market.pk] = reading_sight(self.staff, market)
        return self._sights[market.pk]

    @cached_property
    def teams(self) -> dict[int, str]:
        markets = self.staff.markets_with(*LOOKERS)
        return dict(Team.objects.filter(market__in=markets).values_list("pk", "name"))


class NightlyShape(serializers.Serializer[NightlyReport]):
    """One market and local date. A correction grows `revision` and has to be signed again.

    `difference_minor` is by how much the report's sums differ from the ledger's, in minor units;
    null for who does not read the whole market.
    """

    market = serializers.CharField(source="market.code")
    date = serializers.DateField()
    revision = serializers.IntegerField()
    built_at = serializers.DateTimeField()
    difference_minor = serializers.SerializerMethodField()
    teams = serializers.SerializerMethodField()

    @property
    def _sights(self) -> _Sights:
        sights: _Sights = self.context["sights"]
        return sights

    def get_difference_minor(self, report: NightlyReport) -> int | None:
        whole = self._sights.of(report.market).teams is None
        return report.difference_minor if whole else None

    @extend_schema_field(SignatureShape(many=True))
    def get_teams(self, report: NightlyReport) -> list[dict[str, Any]]:
        signed = {
            row.team_id: row for row in report.signatures.all() if row.revision == report.revision
        }
        seen = seen_team_ids(report, self._sights.of(report.market))
        return [
            {
                "team": self._sights.teams.get(team, ""),
                "signed_by": signed[team].by.username if team in signed else None,
                "signed_at": signed[team].at if team in signed else None,
            }
            for team in seen
        ]


class NightlyDetailShape(NightlyShape):
    """The report with what it says: in sentences, and as data.

    `content` holds, for the teams that the caller reads: `totals`; `kinds` and `reasons` (key,
    count, face, expected cost); `teams` with their `people` and `budget`; `decisions`, `voids`,
    `failures`, `pairs`, `promises`, `too_little`; what changed in `scales`, `limits` and `stops`;
    and for the whole market `ledger` (event, currency, report, ledger, difference). Amounts are
    minor units of `currency`, shares basis points, people and objects ids.
    """

    currency = serializers.CharField(source="market.currency")
    digest = serializers.SerializerMethodField(
        help_text="SHA-256 of the whole content's canonical JSON, in hexadecimal."
    )
    summary = serializers.SerializerMethodField()
    content = serializers.SerializerMethodField()

    def _part(self, report: NightlyReport) -> dict[str, Any]:
        return part_of(report.content, self._sights.of(report.market))

    def get_digest(self, report: NightlyReport) -> str:
        return bytes(report.digest).hex()

    def get_summary(self, report: NightlyReport) -> list[str]:
        part = self._part(report)
        return [*summary(part, report.market), *attention(part)]

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_content(self, report: NightlyReport) -> dict[str, Any]:
        return self._part(report)


def _readable(request: Request) -> QuerySet[NightlyReport]:
    assert isinstance(request.user, Staff)
    return (
        NightlyReport.objects.filter(market__in=request.user.markets_with(*LOOKERS))
        .select_related("market")
        .prefetch_related("signatures__by")
    )


class NightlyReportsView(OnlyKnownParameters, ListAPIView[NightlyReport]):
    """Nights of the markets whose reports the caller reads, the last built first."""

    permission_classes = (MAY_READ,)
    serializer_class = NightlyShape
    filterset_class = NightlyFilter

    def get_queryset(self) -> QuerySet[NightlyReport]:
        if getattr(self, "swagger_fake_view", False):
            return NightlyReport.objects.none()
        return _readable(self.request).defer("content")

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if isinstance(self.request.user, Staff):
            context["sights"] = _Sights(self.request.user)
        return context

    @extend_schema(operation_id="nightly_reports", tags=["reports"])
    def get(self, request: Request) -> Response:
        return self.list(request)


class NightlyReportView(APIView):
    """One night: everything for finance and auditors, their own teams for supervisors."""

    permission_classes = (MAY_READ,)

    @extend_schema(
        operation_id="nightly_report",
        tags=["reports"],
        parameters=[
            OpenApiParameter("market", str, "path", description="Its code."),
            OpenApiParameter("date", dt.date, "path", description="A local date of the market."),
        ],
        responses={200: NightlyDetailShape, 404: examples.NOT_FOUND},
    )
    def get(self, request: Request, market: str, date: str) -> Response:
        try:
            day = dt.date.fromisoformat(date)
        except ValueError:
            raise NotFound from None
        report = _readable(request).filter(market__code=market, date=day).first()
        if report is None:
            raise NotFound
        assert isinstance(request.user, Staff)
        return Response(NightlyDetailShape(report, context={"sights": _Sights(request.user)}).data)
