"""Every environment variable, read once, typed and validated, with words for a missing one.

In embedded mode the supervisor writes what it decided (addresses of its servers, secrets it made)
to `var/embedded.env`, `NAME=value` a line; a command started in another shell finds it there. A
variable that is set wins over the file. Outside embedded mode and tests there is no default for
anything secret.
"""

import os
from pathlib import Path
from typing import NoReturn

BASE_DIR = Path(__file__).resolve().parent.parent


class Misconfigured(SystemExit):
    """A setting is missing or unreadable; says which and how to mend it."""


def _fail(name: str, why: str) -> NoReturn:
    raise Misconfigured(f"recovery: {name} {why}. See docs/operations.md, or use `make run`.")


def _load_embedded() -> None:
    var = Path(os.environ.get("RECOVERY_VAR") or BASE_DIR / "var")
    path = var / "embedded.env"
    if "DATABASE_URL" in os.environ or not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, mark, value = line.partition("=")
        if mark:
            os.environ.setdefault(name, value)


_load_embedded()


def text(name: str, default: str | None = None) -> str:
    """The variable's text; fails where it is missing and has no default."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        _fail(name, "is not set")
    return default


def flag(name: str, default: bool = False) -> bool:
    """`1`/`true` or `0`/`false`; anything else fails."""
    value = os.environ.get(name, "").lower()
    if not value:
        return default
    if value in {"1", "true"}:
        return True
    if value in {"0", "false"}:
        return False
    _fail(name, "must be true or false")


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number between `low` and `high`."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if not value.isdigit() or not low <= int(value) <= high:
        _fail(name, f"must be a whole number from {low} to {high}")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def key(name: str) -> bytes:
    """32 bytes written as 64 hexadecimal digits."""
    value = text(name)
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        _fail(name, "must be 64 hexadecimal digits")
    if len(raw) != 32:
        _fail(name, "must be 64 hexadecimal digits")
    return raw


def keyring(name: str, *, optional: bool = False) -> dict[str, bytes]:
    """Keys by id from `id:hex64[,id:hex64]`; the first is the one in use, the rest still read."""
    ring: dict[str, bytes] = {}
    for word in words(name, text(name, "" if optional else None)):
        key_id, _mark, value = word.partition(":")
        try:
            ring[key_id] = bytes.fromhex(value)
        except ValueError:
            _fail(name, "must look like id:hex64[,id:hex64]")
        if not key_id or len(ring[key_id]) != 32:
            _fail(name, "must look like id:hex64[,id:hex64]")
    return ring
