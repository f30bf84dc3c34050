"""The scale over the API: versions of a market, and one of them with its rules and offers."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filters import OnlyKnownParameters
from accounts.api.permissions import Roles
from accounts.models import Staff
from common.errors import NotFound
from incidents.models import Category
from incidents.states import Segment, Severity

from ..filters import ScaleFilter
from ..models import Offer, ScaleRule, ScaleVersion
from ..scale_versions import READERS, visible_scales
from ..states import Basis, OfferKind, ScaleState
from . import examples

MAY_READ = Roles(*READERS)


class ScaleShape(serializers.Serializer[ScaleVersion]):
    """A version of a market's scale. It was in force from `effective_from` to `effective_until`.

    Before it is live `effective_from` is planned, and null means as soon as it is approved.
    """

    id = serializers.IntegerField()
    market = serializers.CharField(source="market.code")
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ScaleState.choices)
    based_on = serializers.IntegerField(
        source="based_on.number", allow_null=True, default=None, help_text="Its number."
    )
    note = serializers.CharField()
    author = serializers.CharField(source="author.username")
    approved_by = serializers.CharField(
        source="approved_by.username", allow_null=True, default=None
    )
    second_approved_by = serializers.CharField(
        source="second_approved_by.username", allow_null=True, default=None
    )
    effective_from = serializers.DateTimeField(allow_null=True)
    effective_until = serializers.DateTimeField(allow_null=True)


class OfferTermsShape(serializers.Serializer[Offer]):
    """An offer of a rule. With basis `percent` the three amounts are basis points of the amount at
    stake, and the result never exceeds `cap_minor`; else they are minor units.
    """

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=OfferKind.choices)
    name_es = serializers.CharField()
    name_en = serializers.CharField()
    terms_es = serializers.CharField()
    terms_en = serializers.CharField()
    basis = serializers.ChoiceField(choices=Basis.choices)
    minimum = serializers.IntegerField()
    default = serializers.IntegerField()
    maximum = serializers.IntegerField()
    cap_minor = serializers.IntegerField(allow_null=True)
    expected_cost_bp = serializers.IntegerField()
    validity_days = serializers.IntegerField()
    usable_at = serializers.ListField(child=serializers.CharField())
    per_customer = serializers.IntegerField()
    per_customer_days = serializers.IntegerField()
    approval_from_minor = serializers.IntegerField(allow_null=True)
    is_statutory = serializers.BooleanField()


class ScaleRuleShape(serializers.Serializer[ScaleRule]):
    """What may be offered in one cell; without a category or a segment: in any."""

    category = serializers.CharField(
        source="category.code", allow_null=True, default=None, help_text="Its code."
    )
    severity = serializers.ChoiceField(choices=Severity.choices)
    segment = serializers.ChoiceField(choices=Segment.choices, allow_null=True)
    offers = OfferTermsShape(many=True)

    def to_representation(self, instance: ScaleRule) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        shown["segment"] = shown["segment"] or None
        return shown


class ScaleDetailShape(ScaleShape):
    """A version with everything it says."""

    currency = serializers.CharField(source="market.currency")
    rules = ScaleRuleShape(many=True)


def _visible(request: Request) -> QuerySet[ScaleVersion]:
    assert isinstance(request.user, Staff)
    return visible_scales(request.user).select_related("approved_by", "second_approved_by")


class ScalesView(OnlyKnownParameters, ListAPIView[ScaleVersion]):
    """Versions the caller may see, newest first, in pages by key.

    What was in force is for everybody at the desk; drafts and reviews for finance and auditors.
    """

    permission_classes = (MAY_READ,)
    serializer_class = ScaleShape
    filterset_class = ScaleFilter

    def get_queryset(self) -> QuerySet[ScaleVersion]:
        if getattr(self, "swagger_fake_view", False):
            return ScaleVersion.objects.none()
        return _visible(self.request)

    @extend_schema(operation_id="scales", tags=["scale"])
    def get(self, request: Request) -> Response:
        return self.list(request)


class ScaleView(APIView):
    """One version with its rules and offers, by the id that the list gives."""

    permission_classes = (MAY_READ,)

    @extend_schema(
        operation_id="scale",
        tags=["scale"],
        responses={200: ScaleDetailShape, 404: examples.NOT_FOUND},
        examples=[examples.answer("A live version", examples.SCALE)],
    )
    def get(self, request: Request, version: int) -> Response:
        found = _visible(request).filter(pk=version).first()
        if found is None:
            raise NotFound
        rules = list(found.rules.select_related("category").prefetch_related("offers"))
        places = {row.pk: place for place, row in enumerate(_categories(found), 1)}
        severities = [str(one) for one in Severity]
        rules.sort(
            key=lambda rule: (
                places.get(rule.category_id or 0, 0),
                severities.index(rule.severity),
                rule.segment,
            )
        )
        found._prefetched_objects_cache = {"rules": rules}  # type: ignore[attr-defined]
        return Response(ScaleDetailShape(found).data)


def _categories(version: ScaleVersion) -> QuerySet[Category]:
    return Category.objects.filter(market=version.market_id).order_by("position", "code")
