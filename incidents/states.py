"""The words and the arrows of incidents, promises and recovery steps."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.states import arrows


class IncidentState(TextChoices):
    OPEN = "open", pgettext_lazy("incident", "Open")
    IN_RECOVERY = "in_recovery", pgettext_lazy("incident", "In recovery")
    RESOLVED = "resolved", pgettext_lazy("incident", "Resolved")
    CLOSED = "closed", pgettext_lazy("incident", "Closed")


# What lists keep apart. A case that is granted something goes from open to in recovery, and its
# entries in the indexes stay as they are; see the model.
STAGES: dict[str, int] = {
    IncidentState.OPEN: 0,
    IncidentState.IN_RECOVERY: 0,
    IncidentState.RESOLVED: 1,
    IncidentState.CLOSED: 2,
}

INCIDENT_TRANSITIONS = arrows(
    {
        "open": "in_recovery resolved",
        "in_recovery": "resolved",
        "resolved": "closed in_recovery",
        "closed": "in_recovery",
    }
)


class Severity(TextChoices):
    MINOR = "minor", _("Minor")
    MODERATE = "moderate", _("Moderate")
    CRITICAL = "critical", _("Critical")


# The category in which a market keeps what fits nowhere else, by the codes people give it.
CATCH_ALL = ("other", "others", "otro", "otra", "otros", "otras", "general", "unlisted")


class Segment(TextChoices):
    STANDARD = "standard", _("Standard")
    VALUED = "valued", _("Valued")
    VIP = "vip", _("VIP")


class IncidentKind(TextChoices):
    CLAIM = "claim", _("Claim, seeks remedy")
    COMPLAINT = "complaint", _("Complaint about conduct")
    REQUEST = "request", _("Request")


class ContactChannel(TextChoices):
    """How the incident reached us."""

    PHONE = "phone", _("Phone")
    COUNTER = "counter", _("Counter")
    EMAIL = "email", _("Email")
    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    CHAT = "chat", _("Chat")
    SOCIAL = "social", _("Social media")
    WEB = "web", _("Web form")


class ContactKind(TextChoices):
    PHONE = "phone", _("Phone")
    EMAIL = "email", _("Email")
    HANDLE = "handle", _("Handle")


class Step(TextChoices):
    LISTEN = "listen", _("Listen")
    APOLOGISE = "apologise", _("Apologise")
    EXPLAIN = "explain", _("Explain")
    COMPENSATE = "compensate", _("Compensate")
    CORRECT = "correct", _("Correct")


class PromiseKind(TextChoices):
    CALL = "call", _("Call")
    MANAGER_CALL = "manager_call", _("Manager's call")
    LETTER = "letter", _("Letter")
    INVITATION = "invitation", _("Invitation")


class PromiseState(TextChoices):
    DUE = "due", pgettext_lazy("promise", "Due")
    KEPT = "kept", pgettext_lazy("promise", "Kept")
    BROKEN = "broken", pgettext_lazy("promise", "Broken")
    CANCELLED = "cancelled", pgettext_lazy("promise", "Cancelled")


PROMISE_TRANSITIONS = arrows({"due": "kept broken cancelled"})
