"""The composition root: settings, addresses, queue. No rules live here."""

from .celery import app as celery_app

__all__ = ["celery_app"]
