"""A Celery worker of a test, as a real process: `python -m tests.support.worker READY CONCURRENCY`.

The same application and settings as in production; only the topic of delivery's tests is added, and
a file is made when the worker is ready. It also works without a broker's help to be killed: its
children are ordinary processes.
"""

import sys
from pathlib import Path

import django
from celery.signals import worker_ready


def main(ready: Path, concurrency: int) -> None:
    from recovery.celery import app

    django.setup()
    from delivery.tests import topics

    topics.register()

    @worker_ready.connect(weak=False)
    def tell(**_kwargs: object) -> None:
        ready.touch()

    app.worker_main(
        [
            "worker",
            f"--concurrency={concurrency}",
            "--pool=prefork",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=INFO",
        ]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
