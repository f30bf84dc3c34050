"""The secrets an embedded installation makes for itself: random, kept in one file only we may read.

A variable that is set wins over the file (see `environment.py`). Losing the file makes issued
coupon codes and portal links unreadable and the audit trail's seals unverifiable: it belongs in the
backup beside the database.
"""

import os
import secrets
from pathlib import Path

RINGS = frozenset({"CODE_HASH_KEYS", "CODE_CIPHER_KEYS", "AUDIT_SEAL_KEYS"})


def _make(name: str) -> str:
    value = secrets.token_hex(32)
    if name == "SECRET_KEY":
        return secrets.token_urlsafe(50)
    # Keys that rows are stored or sealed under carry an id, so that a new one can be put first.
    return f"k1:{value}" if name in RINGS else value


NAMES = (
    "SECRET_KEY",
    "CODE_HASH_KEYS",
    "CODE_CIPHER_KEYS",
    "AUDIT_SEAL_KEYS",
    "FINGERPRINT_KEY",
    "PORTAL_KEY",
    "RECEIPT_SECRET",
)


def fresh() -> dict[str, str]:
    """New random secrets, written nowhere."""
    return {name: _make(name) for name in NAMES}


def read_env(path: Path) -> dict[str, str]:
    """`NAME=value` lines of a file; nothing where there is no file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value for name, mark, value in pairs if mark}


def write_env(path: Path, values: dict[str, str]) -> None:
    """Write `NAME=value` lines into a file that only we may read, all of it or nothing."""
    scratch = path.with_name(path.name + ".new")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        file.write("".join(f"{name}={value}\n" for name, value in values.items()))
        file.flush()
        os.fsync(handle)
    scratch.replace(path)


def kept(path: Path) -> dict[str, str]:
    """The secrets of this installation; whichever is missing is made and kept."""
    have = read_env(path)
    missing = [name for name in NAMES if not have.get(name)]
    if missing:
        have |= {name: _make(name) for name in missing}
        write_env(path, have)
    os.chmod(path, 0o600)
    return {name: have[name] for name in NAMES}
