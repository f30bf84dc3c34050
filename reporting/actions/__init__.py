"""Writes of reporting: rolling days, building reports, what people say of them."""

from .exporting import record_export
from .nights import due_dates, outdated_dates, run_night
from .reports import (
    Built,
    DayNotOver,
    build_report,
    comment_report,
    sign_report,
)
from .rolling import mark_touched, roll_day, roll_days, roll_stale

__all__ = [
    "Built",
    "DayNotOver",
    "build_report",
    "comment_report",
    "due_dates",
    "mark_touched",
    "outdated_dates",
    "record_export",
    "roll_day",
    "roll_days",
    "roll_stale",
    "run_night",
    "sign_report",
]
