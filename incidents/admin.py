"""Looking up customers, incidents and guidance, by auditors. Full contacts are not shown."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin

from .models import (
    Category,
    ContactPoint,
    Customer,
    Incident,
    Note,
    Playbook,
    PlaybookAcknowledgement,
    PlaybookStep,
    PortalToken,
    Promise,
    RecoveryStep,
    SeverityGuide,
)


@admin.register(Category, Customer, Incident, Playbook, Promise)
class InMarketAdmin(ReadOnlyAdmin):
    hidden = ("name_search", "narrative_search")


@admin.register(ContactPoint)
class ContactPointAdmin(ReadOnlyAdmin):
    hidden = ("value",)


@admin.register(SeverityGuide)
class SeverityGuideAdmin(ReadOnlyAdmin):
    market_path = "category__market"


@admin.register(PlaybookStep, PlaybookAcknowledgement)
class OfPlaybookAdmin(ReadOnlyAdmin):
    market_path = "playbook__market"


@admin.register(Note, RecoveryStep, PortalToken)
class OfIncidentAdmin(ReadOnlyAdmin):
    market_path = "incident__market"
