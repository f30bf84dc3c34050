"""Looking up customers, incidents and guidance, by auditors. Full contacts are not shown."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin, name_models

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
    hidden = ("name_search", "narrative_search", "stage")


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


name_models(
    {
        Category: (_("category"), _("categories")),
        Customer: (_("customer"), _("customers")),
        Incident: (_("incident"), _("incidents")),
        Playbook: (_("playbook"), _("playbooks")),
        Promise: (_("promise"), _("promises")),
        ContactPoint: (_("contact point"), _("contact points")),
        SeverityGuide: (_("severity guide"), _("severity guides")),
        PlaybookStep: (_("step of a playbook"), _("steps of playbooks")),
        PlaybookAcknowledgement: (_("reading of a playbook"), _("readings of playbooks")),
        Note: (_("note"), _("notes")),
        RecoveryStep: (_("recovery step"), _("recovery steps")),
        PortalToken: (_("customer's link"), _("customers' links")),
    }
)
