"""Customers, incidents, and what guides and follows them, a file for each noun."""

from .customers import ContactPoint, Customer, NameWord
from .guidance import Category, Playbook, PlaybookAcknowledgement, PlaybookStep, SeverityGuide
from .incidents import (
    Incident,
    IntakeDraft,
    NarrativeWord,
    Note,
    PortalToken,
    Promise,
    RecoveryStep,
)

__all__ = [
    "Category",
    "ContactPoint",
    "Customer",
    "Incident",
    "IntakeDraft",
    "NameWord",
    "NarrativeWord",
    "Note",
    "Playbook",
    "PlaybookAcknowledgement",
    "PlaybookStep",
    "PortalToken",
    "Promise",
    "RecoveryStep",
    "SeverityGuide",
]
