"""Rollups, nightly reports, and what people say of a report. Derived: any of it can be rebuilt."""

from .reports import NightlyReport, ReportComment, ReportSignature
from .rollups import CaseDay, IssuanceDay, RolledDay, TrailCursor

__all__ = [
    "CaseDay",
    "IssuanceDay",
    "NightlyReport",
    "ReportComment",
    "ReportSignature",
    "RolledDay",
    "TrailCursor",
]
