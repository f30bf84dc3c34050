"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


def _take_time(*, using: str, **_also: Any) -> None:
    """A migration may take longer than a request: an index, or a whole table written anew.

    How long it waits for a lock, and keeps others waiting behind it, stays bounded.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def _as_before(*, using: str, **_also: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("RESET statement_timeout")


class CommonConfig(AppConfig):
    name = "common"

    def ready(self) -> None:
        pre_migrate.connect(_take_time, dispatch_uid="take_time")
        post_migrate.connect(_as_before, dispatch_uid="as_before")
