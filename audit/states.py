"""Kinds of actors in the audit trail, and of what can be wrong with it."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

# Who acted where nobody did: a name, the same in every language.
PRODUCT = "Recovery"


class ActorKind(TextChoices):
    STAFF = "staff", _("Staff")
    CLIENT = "client", _("API client")
    CUSTOMER = "customer", _("Customer")
    SYSTEM = "system", _("System")


class Wrong(TextChoices):
    """What `verify` found."""

    ALTERED = "altered", _("altered")
    DELETED = "deleted", _("deleted")
    INSERTED = "inserted", _("inserted")
    REORDERED = "reordered", _("reordered")
    TRUNCATED = "truncated", _("truncated")
    SEAL = "seal", _("seal broken")
    SIGNATURE = "signature", _("signature wrong")
    CHECKPOINT = "checkpoint", _("checkpoint unreadable")
