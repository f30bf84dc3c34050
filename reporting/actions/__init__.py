"""Writes of reporting: rolling days, building reports, what people say of them."""

from .rolling import mark_touched, roll_day, roll_stale

__all__ = ["mark_touched", "roll_day", "roll_stale"]
