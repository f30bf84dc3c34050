"""The shape of a receipt, as Standard Webhooks writes it."""

from rest_framework import serializers

from accounts.api.serializers import StrictSerializer

from ..states import MessageState

TYPES = {
    "message.sent": MessageState.SENT,
    "message.delivered": MessageState.DELIVERED,
    "message.bounced": MessageState.BOUNCED,
    "message.failed": MessageState.FAILED,
}


class ReceiptData(StrictSerializer):
    message_id = serializers.UUIDField(help_text="The value of the X-Recovery-Message header.")


class ReceiptBody(StrictSerializer):
    type = serializers.ChoiceField(choices=sorted(TYPES))
    timestamp = serializers.DateTimeField(help_text="When it happened, with its offset.")
    # The name is the standard's; the serializer's own `data` stays what it is.
    data = ReceiptData()  # type: ignore[assignment]


class ReceiptAnswer(serializers.Serializer[dict[str, bool]]):
    taken = serializers.BooleanField(help_text="False when this event was taken before.")
