"""Invariant 33 for the trail: a dump restored into a new server verifies there and goes on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from recovery.embedded.binaries import postgres_folder
from recovery.embedded.scratch import Scratch

from .support import seal_all, write
from .test_sealing import INSERT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def _program(name: str, *arguments: str) -> None:
    subprocess.run([str(postgres_folder() / name), *arguments], check=True, timeout=120)


def _manage(url: str, *arguments: str) -> tuple[int, str]:
    """The command's status and all that it said, against another database."""
    done = subprocess.run(
        [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _next_transaction(url: str) -> int:
    link = psycopg2.connect(url)
    with link.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        row = cursor.fetchone()
    link.close()
    assert row is not None
    return int(row[0])


def _burn(until: int) -> None:
    """Uses transaction numbers of this server up, so that a new one is behind it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (now,) = cursor.fetchone()
        for _number in range(max(0, until - now)):
            cursor.execute("SELECT pg_current_xact_id()")


def test_a_restored_trail_verifies_and_goes_on(tmp_path: Path) -> None:
    with Scratch() as elsewhere:
        elsewhere.start_database()
        url = elsewhere.environment["DATABASE_URL"]
        _burn(_next_transaction(url) + 1_000)
        write(5)
        seal_all(rows=3)
        write(2)  # in the dump without a seal
        dump = tmp_path / "dump"
        parameters = connection.get_connection_params()
        source = " ".join(
            f"{name}={parameters[name]}"
            for name in ("dbname", "host", "port", "user")
            if parameters.get(name)
        )
        _program("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={dump}", source)
        # In one transaction, as documented: fewer numbers are used, and all of it is there or none.
        _program("pg_restore", "--no-owner", "--single-transaction", f"--dbname={url}", str(dump))
        status, said = _manage(url, "verify_audit")
        assert status == 0, said
        assert "5 sealed rows" in said
        assert "restored into another one" in said
        status, said = _manage(url, "seal_audit")
        assert status != 0
        assert "--after-restore" in said
        status, said = _manage(url, "seal_audit", "--after-restore")
        assert status == 0, said
        assert "go on from the last seal" in said
        link = psycopg2.connect(url)
        with link, link.cursor() as cursor:
            cursor.execute(INSERT.format(names="", values=""))
        link.close()
        assert _manage(url, "seal_audit")[0] == 0
        status, said = _manage(url, "verify_audit")
        assert status == 0, said
        assert re.search(r"\b8 sealed rows", said), said
        assert "No row waits" in said
