"""The environment: keyed on what the requirement files say, begun anew when it was cut off."""

import ast
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from recovery.embedded import bootstrap


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that asks for nothing, so that making its environment needs no network."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "RUN", tmp_path / "requirements.txt")
    monkeypatch.setattr(bootstrap, "DEV", tmp_path / "requirements-dev.txt")
    monkeypatch.setattr(sys, "argv", ["bootstrap.py"])
    make = venv.create

    def without_pip(folder: Path, *, clear: bool, symlinks: bool, with_pip: bool) -> None:
        make(folder, clear=clear, symlinks=symlinks)  # pip is most of the time it takes

    monkeypatch.setattr(venv, "create", without_pip)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "requirements-dev.txt").write_text("")
    return tmp_path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[list[Path]]:
    """What was asked to be installed, time after time."""
    asked: list[list[Path]] = []

    def install(files: list[Path]) -> bool:
        asked.append(files)
        return True

    monkeypatch.setattr(bootstrap, "install", install)
    return asked


def test_it_installs_once_and_again_after_a_changed_pin(
    place: Path, installed: list[list[Path]]
) -> None:
    assert [bootstrap.main(), bootstrap.main()] == [0, 0]
    assert len(installed) == 1

    (place / "requirements.txt").write_text("# another pin\n")
    assert [bootstrap.main(), bootstrap.main()] == [0, 0]
    assert len(installed) == 2


def test_what_tests_need_serves_for_running(
    place: Path, installed: list[list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "--dev"])
    assert bootstrap.main() == 0
    monkeypatch.setattr(sys, "argv", ["bootstrap.py"])
    assert bootstrap.main() == 0
    assert installed == [[place / "requirements.txt", place / "requirements-dev.txt"]]


def test_a_cut_off_installation_begins_anew(place: Path, installed: list[list[Path]]) -> None:
    assert bootstrap.main() == 0
    (place / ".venv" / ".installed-run").unlink()
    (place / ".venv" / ".installing").touch()
    (place / ".venv" / "half").touch()

    assert bootstrap.main() == 0

    assert len(installed) == 2
    assert not (place / ".venv" / "half").exists()


def test_a_failed_installation_is_not_taken_for_done(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "install", lambda files: False)
    assert bootstrap.main() == 1
    assert not (place / ".venv" / ".installed-run").exists()


def test_the_checkout_is_importable_from_anywhere(
    place: Path, installed: list[list[Path]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    (place / "somewhere.py").write_text("NAME = 'found'\n")
    assert bootstrap.main() == 0

    said = subprocess.run(
        [place / ".venv" / "bin" / "python", "-c", "import somewhere; print(somewhere.NAME)"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "found"


def test_it_needs_only_the_standard_library() -> None:
    tree = ast.parse(Path(bootstrap.__file__).read_text(encoding="utf-8"))
    names = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert names <= set(sys.stdlib_module_names)
