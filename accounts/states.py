"""Roles and scopes. What each may do is in `permissions.py`."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    AGENT = "agent", _("Agent")
    SUPERVISOR = "supervisor", _("Supervisor")
    FINANCE = "finance", _("Finance")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")
    CASHIER = "cashier", _("Cashier")


class Scope(TextChoices):
    """What an API client may do."""

    COUPONS_VALIDATE = "coupons:validate", _("Validate coupons")
    COUPONS_REDEEM = "coupons:redeem", _("Redeem and reverse coupons")
    INCIDENTS_WRITE = "incidents:write", _("Open and update incidents")
    CUSTOMERS_WRITE = "customers:write", _("Create and update customers")


class Language(TextChoices):
    ES = "es", "Español"
    EN = "en", "English"


class Theme(TextChoices):
    AUTO = "auto", _("As the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")
