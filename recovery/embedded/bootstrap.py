"""Makes `.venv` as the pinned requirements say; does nothing when it already is so.

Runs before anything is installed, as a plain script with the standard library alone, and imports
nothing of the project. The environment is keyed on the requirement files' content: a changed pin
installs on the next start, an interrupted installation is done again.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTALLER = Path(__file__).resolve().parent / "uv.txt"
RUN = ROOT / "requirements.txt"
DEV = ROOT / "requirements-dev.txt"
NEEDED = (3, 11)


def say(text: str) -> None:
    """One line for the person who waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def fail(text: str) -> "int":
    """What went wrong and what to do; the exit status."""
    sys.stderr.write(f"{text}\n")
    return 1


def wanted(files: list[Path]) -> str:
    """What an environment made from these files is called: changes whenever one of them does."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {VENV}".encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def run(*words: "str | Path", told: bool = True) -> bool:
    """Run a program; its output is shown only when it fails, and not where that does not matter."""
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0 and told:
        sys.stderr.write(done.stdout.decode(errors="replace")[-4000:])
    return done.returncode == 0


def works() -> bool:
    """True when `.venv` has a Python of the right version in the right place."""
    if not PYTHON.exists():
        return False
    test = f"import sys; sys.exit(sys.version_info < {NEEDED!r} or sys.prefix != {str(VENV)!r})"
    return subprocess.run([PYTHON, "-c", test], check=False).returncode == 0


def find_uv() -> "Path | None":
    """uv in the environment, else the one a person has installed."""
    own = VENV / "bin" / "uv"
    if own.exists():
        return own
    theirs = shutil.which("uv")
    return Path(theirs) if theirs else None


def create() -> bool:
    """An empty environment, with pip where this Python carries it."""
    say("Creating the virtual environment in .venv")
    try:
        import ensurepip  # noqa: F401  only asks whether it is there
    except ImportError:
        if find_uv() is None:
            return False
        venv.create(VENV, clear=True, symlinks=True, with_pip=False)
        return True
    venv.create(VENV, clear=True, symlinks=True, with_pip=True)
    return True


def install(files: list[Path]) -> bool:
    """Install every pin, hashes checked: with uv, and with pip should uv not serve."""
    if find_uv() is None:
        words: list[str | Path] = [
            PYTHON,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            INSTALLER,
        ]
        run(*words, told=False)  # without uv, pip does it all
    arguments = [word for path in files for word in ("-r", str(path))]
    uv = find_uv()
    command: list[str | Path]
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes"]
        if run(*command, *arguments):
            return run(uv, "pip", "check", "--quiet", "--python", PYTHON)
        say("uv did not manage; trying pip, which takes longer")
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes"]
    return run(*command, *arguments) and run(PYTHON, "-m", "pip", "check")


def importable_from_anywhere() -> None:
    """Let every program of the environment import the checkout, wherever it is started."""
    for packages in VENV.glob("lib/python*/site-packages"):
        (packages / "recovery_checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")


def main() -> int:
    """Make or mend the environment; 0 when it is as the files say."""
    reader = argparse.ArgumentParser(description="Makes .venv from the pinned requirements.")
    reader.add_argument("--dev", action="store_true", help="also what tests and checks need")
    asked = reader.parse_args()
    if sys.version_info < NEEDED:
        return fail(
            f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed; this is {sys.version.split()[0]}. "
            "Say which one to use: make PYTHON=/path/to/python3.11 ..."
        )
    files = [RUN, DEV] if asked.dev else [RUN]
    with open(ROOT / ".venv.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What tests need contains what running needs: either mark will do for running.
        marks = {mark: VENV / f".installed-{mark}" for mark in ("run", "dev")}
        for mark, listed in (("dev", [RUN, DEV]), ("run", [RUN])):
            if asked.dev and mark == "run":
                continue
            if marks[mark].exists() and marks[mark].read_text() == wanted(listed) and works():
                return 0
        began = time.monotonic()
        # An installation that was cut off may look whole to an installer: start over.
        unfinished = VENV / ".installing"
        if (unfinished.exists() or not works()) and not create():
            return fail(
                "This Python has neither pip nor venv, and there is no uv. On Debian and Ubuntu: "
                "apt-get install python3-venv. Then run this again."
            )
        say("Installing the pinned packages" + (" and what tests need" if asked.dev else ""))
        unfinished.touch()
        if not install(files):
            return fail("The packages could not be installed; the reason is above.")
        importable_from_anywhere()
        marks["dev" if asked.dev else "run"].write_text(wanted(files))
        unfinished.unlink()
        say(f"The environment is ready ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    os.environ.pop("PYTHONHOME", None)
    sys.exit(main())
