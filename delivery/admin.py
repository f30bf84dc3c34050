"""Looking up messages, attempts and receipts. Addresses are masked in the rows themselves."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin, name_models

from .models import Attempt, Message, Receipt


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    readers = ("administrator", "auditor")


@admin.register(Attempt, Receipt)
class OfMessageAdmin(ReadOnlyAdmin):
    readers = ("administrator", "auditor")
    market_path = "message__market"


name_models(
    {
        Message: (_("message"), _("messages")),
        Attempt: (_("attempt to send"), _("attempts to send")),
        Receipt: (_("receipt of a message"), _("receipts of messages")),
    }
)
