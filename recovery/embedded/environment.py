"""What the supervisor decides before anything starts: folders, addresses, children's variables.

A variable that is set always wins. What was decided is written to `var/embedded.env`, where a
command started in another shell finds it.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import postgres, processes, secrets_file
from .errors import CannotStart

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """The folders of one installation."""

    var: Path
    sockets: Path

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def lock(self) -> Path:
        return self.var / "lock"

    @property
    def children(self) -> Path:
        return self.var / "children.json"

    @property
    def prepared(self) -> Path:
        return self.var / "prepared.json"


def place(environ: Mapping[str, str]) -> Place:
    """Make the folders. Sockets need a short path: under `var/` where that is short enough."""
    var = Path(environ.get("RECOVERY_VAR") or ROOT / "var").absolute()
    try:
        var.mkdir(mode=0o711, parents=True, exist_ok=True)
        (var / "log").mkdir(mode=0o700, exist_ok=True)
    except OSError as problem:
        raise CannotStart(
            f"{var} cannot be written ({problem.strerror}). It may belong to another user: start "
            "as that one, or set RECOVERY_VAR to a folder of yours."
        ) from problem
    if not os.access(var, os.W_OK | os.X_OK) or var.stat().st_uid != os.geteuid():
        raise CannotStart(
            f"{var} belongs to another user. Start as that one, or set RECOVERY_VAR to a folder "
            "of yours."
        )
    return Place(var, _socket_folder(var))


def _socket_folder(var: Path) -> Path:
    folder = var / "run"
    if len(os.fsencode(folder)) > postgres.longest_socket_folder():
        name = hashlib.sha256(f"{os.geteuid()} {var}".encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"recovery-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    # Somebody else could have made a folder of this name in a shared place, or a link.
    if not stat.S_ISDIR(state.st_mode) or state.st_uid not in _ours():
        raise CannotStart(f"{folder} belongs to somebody else. Remove it, or set TMPDIR.")
    folder.chmod(0o700)
    return folder


def _ours() -> set[int]:
    """Owners we accept: ourselves, and as root the user the database was handed to."""
    return {os.geteuid()} | ({processes.nobody()[0]} if os.geteuid() == 0 else set())


@dataclass
class Decisions:
    """Variables for the children. `owner` is what only the commands that migrate get.

    `two_roles` is false where a person's own server is used with one role for everything.
    """

    shared: dict[str, str] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    two_roles: bool = True

    def for_children(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of web, worker, beat and mail: never the owner's address."""
        merged = {**environ, **self.shared}
        merged.pop("DATABASE_OWNER_URL", None)
        return merged

    def for_owner(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of the commands that change the schema or give rights."""
        return {**self.for_children(environ), **self.owner}

    def write(self, path: Path) -> None:
        """Leave the decisions for commands in other shells, which run as the running role."""
        owner = {"DATABASE_OWNER_URL": self.owner["DATABASE_OWNER_URL"]}
        secrets_file.write_env(path, {**self.shared, **owner})


def decide(
    where: Place,
    environ: Mapping[str, str],
    *,
    base_url: str,
    mail_port: int | None,
    database: postgres.Postgres | None,
    broker_url: str | None,
) -> Decisions:
    """Put together what the children are told. Servers that are None are the person's own."""
    defaults = {
        **secrets_file.kept(where.var / "secrets.env"),
        "RECOVERY_EMBEDDED": "1",
        "RECOVERY_VAR": str(where.var),
        "PUBLIC_BASE_URL": base_url,
        "RUNNING_ROLE": postgres.RUNNING,
        "DJANGO_SETTINGS_MODULE": "recovery.settings",
    }
    decisions = Decisions()
    if mail_port is not None:
        defaults["EMAIL_URL"] = f"smtp://127.0.0.1:{mail_port}"
    if broker_url is not None:
        defaults["REDIS_URL"] = broker_url
    if database is not None:
        defaults["DATABASE_URL"] = database.url(postgres.RUNNING)
        owner = database.url(postgres.OWNER)
    else:
        running = environ["DATABASE_URL"]
        owner = environ.get("DATABASE_OWNER_URL") or running
        decisions.two_roles = urlsplit(owner).username != urlsplit(running).username
        defaults["RUNNING_ROLE"] = unquote(urlsplit(running).username or "")
    decisions.shared = {name: environ.get(name) or value for name, value in defaults.items()}
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL"):
        decisions.shared.setdefault(name, environ.get(name, ""))
    decisions.owner = {"DATABASE_URL": owner, "DATABASE_OWNER_URL": owner}
    return decisions
