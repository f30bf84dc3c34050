"""Writes of reporting: rolling days, building reports, what people say of them."""

from .rolling import roll_day

__all__ = ["roll_day"]
