"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportingConfig(AppConfig):
    name = "reporting"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Reporting")

    def ready(self) -> None:
        from accounts.rail import register_count

        from . import messages
        from .selectors.reports import unsigned_count

        messages.register()
        register_count("nightly-reports", unsigned_count)
