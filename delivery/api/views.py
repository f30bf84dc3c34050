"""Receipts of providers: signed, fresh, taken once, only forward."""

import time

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import NotFound, Refusal

from ..actions import take_receipt
from ..channels import provider_channels
from ..signatures import is_signed
from .serializers import TYPES, ReceiptAnswer, ReceiptBody

LONGEST_ID = 128
HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=words)
    for name, words in (
        ("webhook-id", "The event's id; the same for every try."),
        ("webhook-timestamp", "Unix seconds of this try."),
        ("webhook-signature", "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."),
    )
]


class BadSignature(Refusal):
    """Not signed with our key, or not fresh; which of the two is not said."""

    code = "bad_signature"
    status = 401
    default_message = _("The signature does not fit, or is too old.")


class ReceiptView(APIView):
    """A provider's later word on a message. The signature is the authentication."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=ReceiptBody, responses=ReceiptAnswer, parameters=HEADERS, auth=[])
    def post(self, request: Request, provider: str) -> Response:
        event_id = request.headers.get("webhook-id", "")
        # The exact bytes are what was signed: read them before anything parses them.
        if not is_signed(
            settings.RECEIPT_SECRET,
            event_id=event_id,
            timestamp=request.headers.get("webhook-timestamp", ""),
            signatures=request.headers.get("webhook-signature", ""),
            body=request._request.body,
            now=time.time(),
        ):
            raise BadSignature
        if not provider_channels(provider):
            raise NotFound
        if len(event_id) > LONGEST_ID or "\x00" in event_id:
            raise ValidationError({"webhook-id": [_("This is too long.")]})
        body = ReceiptBody(data=request.data)
        body.is_valid(raise_exception=True)
        taken = take_receipt(
            provider=provider,
            event_id=event_id,
            message_id=body.validated_data["data"]["message_id"],
            state=TYPES[body.validated_data["type"]],
            occurred_at=body.validated_data["timestamp"],
        )
        return Response({"taken": taken})
