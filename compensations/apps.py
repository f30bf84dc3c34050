"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CompensationsConfig(AppConfig):
    name = "compensations"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Compensations")

    def ready(self) -> None:
        from . import contacts, handovers, identities, messages, refunds

        messages.register()
        contacts.register()
        refunds.register()
        handovers.register()
        identities.register()
