"""What was granted is on the disk when it is said, though its locks were let go before."""

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from recovery.embedded import postgres

from .support.databases import OwnDatabase
from .support.workers import environment

ROUNDS, GRANTS = 5, 40


@pytest.fixture(scope="module")
def own_database() -> Iterator[OwnDatabase]:
    with tempfile.TemporaryDirectory(prefix="own-") as folder, OwnDatabase(Path(folder)) as own:
        yield own


def _lost(own: OwnDatabase, guards_off: str = "") -> set[str]:
    """What was said to be granted and is not there after the server was killed in the middle."""
    variables = {
        "DATABASE_URL": own.server.url(postgres.OWNER),
        "RECOVERY_GUARDS_OFF": guards_off,
        "DJANGO_SETTINGS_MODULE": "recovery.settings",
    }
    granting = subprocess.Popen(
        [sys.executable, "-m", "tests.support.granting", f"M{uuid.uuid4().int % 10**6}"],
        cwd=settings.BASE_DIR,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert granting.stdout is not None
    said = [granting.stdout.readline().strip() for _ in range(GRANTS)]
    own.kill()
    rest, errors = granting.communicate(timeout=60)
    assert all(said), errors + own.log.read_text()[-3000:]
    own.start()
    kept = {str(pk) for (pk,) in own.run("SELECT id FROM compensations_compensation")}
    return {*said, *rest.split()} - kept


def test_what_was_granted_outlives_the_server(own_database: OwnDatabase) -> None:
    for _round in range(2):
        assert _lost(own_database) == set()


def test_what_was_granted_is_lost_without_waiting_for_the_disk(own_database: OwnDatabase) -> None:
    assert any(_lost(own_database, "disk") for _round in range(ROUNDS))
