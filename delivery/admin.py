"""Looking up messages, attempts and receipts. Addresses are masked in the rows themselves."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin

from .models import Attempt, Message, Receipt


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    readers = ("administrator", "auditor")


@admin.register(Attempt, Receipt)
class OfMessageAdmin(ReadOnlyAdmin):
    readers = ("administrator", "auditor")
    market_path = "message__market"
