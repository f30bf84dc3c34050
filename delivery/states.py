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
# failed -> queued is a person's replay; unknown -> queued as well, or, where a duplicate is
# harmless, one resend on its own.
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


class Failure(TextChoices):
    """Why a message failed, for people; the machine word of each try is on the attempt."""

    ADDRESS_CHANGED = "address_changed", _("The address was corrected after it was queued")
    CONTACT_GONE = "contact_gone", _("There is no longer anything to send, or nobody to send it to")
    REFUSED = "refused", _("The provider refused it for good")
    GAVE_UP = "gave_up", _("The provider did not accept it after several tries")
    BOUNCED = "bounced", _("The address did not take it")
    REPORTED = "reported", _("The provider reported that it could not deliver it")
    WRITTEN_OFF = "written_off", _("Written off by a person")
