"""The Celery application as the supervisor starts it: worker and clock say when they are ready.

They answer no request, and a log may be silenced; so each writes an empty file that the supervisor
looks for, named by `RECOVERY_READY_MARK`.
"""

import os
from pathlib import Path
from typing import Any

from celery.signals import beat_init, worker_ready

from recovery.celery import app

__all__ = ["app"]

MARK = "RECOVERY_READY_MARK"


def _mark(**_signal: Any) -> None:
    if os.environ.get(MARK):
        Path(os.environ[MARK]).touch()


# Held strongly: Celery keeps only weak references to what it calls.
worker_ready.connect(_mark, weak=False)
beat_init.connect(_mark, weak=False)
