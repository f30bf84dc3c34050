"""Channels, and the life of a message and of an attempt."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import arrows


class Channel(TextChoices):
    EMAIL = "email", _("Email")
    HANDOVER = "handover", _("Hand over in the conversation")
    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")


class MessageState(TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    BOUNCED = "bounced", _("Bounced")
    UNKNOWN = "unknown", _("Outcome unknown")


# sending -> queued is a try that surely did not reach the provider and is spread over time;
# failed -> queued and unknown -> queued are a person's replay.
MESSAGE_TRANSITIONS = arrows(
    {
        "queued": "sending failed",
        "sending": "sent queued failed unknown delivered",
        "sent": "delivered bounced failed",
        "unknown": "sent failed queued delivered",
        "failed": "queued",
    }
)


class AttemptOutcome(TextChoices):
    STARTED = "started", _("Started")
    ACCEPTED = "accepted", _("Accepted by the provider")
    RETRY = "retry", _("Not accepted, will be tried again")
    REFUSED = "refused", _("Refused for good")
    UNKNOWN = "unknown", _("Outcome unknown")
    OUTDATED = "outdated", _("Address changed in the meantime")
