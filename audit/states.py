"""Kinds of actors in the audit trail."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ActorKind(TextChoices):
    STAFF = "staff", _("Staff")
    CLIENT = "client", _("API client")
    CUSTOMER = "customer", _("Customer")
    SYSTEM = "system", _("System")
