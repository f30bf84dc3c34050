"""Keys of the API and first passwords: how they are made, and the keyed hash of a key.

`rck_` is a client's, `rst_` a member of staff's; eight characters to tell keys apart in a list,
then 43 that are the secret (256 bits).
"""

import secrets
import string

from common.fingerprints import fingerprint

CLIENT_KEY = "rck_"
STAFF_KEY = "rst_"
MAX_LENGTH = 64
_ALPHABET = string.ascii_lowercase + string.digits


def new_key(kind: str) -> tuple[str, str]:
    """A fresh key and its visible prefix (12 characters)."""
    prefix = kind + "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{prefix}_{secrets.token_urlsafe(32)}", prefix


def key_hash(key: str) -> bytes:
    """What is stored of a key: 32 bytes that do not lead back to it."""
    return fingerprint("api-key", key)


def new_password() -> str:
    """A first password to hand over: 16 letters and digits in fours, nothing that looks alike."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(4))
