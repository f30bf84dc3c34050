"""Signing of seals and the check of a signature: Ed25519 with keys by id.

`AUDIT_SEAL_KEYS` are private halves, the first in use. `AUDIT_SEAL_OLD_KEYS` are public halves of
keys whose private halves were destroyed; they still check what they signed.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

# Keeps a signature of a seal from standing for anything else the key may sign one day.
_PURPOSE = b"recovery audit seal\n"


def key_in_use() -> str:
    """The id of the key that signs now."""
    return next(iter(settings.AUDIT_SEAL_KEYS))


def sign(key_id: str, digest: bytes) -> bytes:
    """64 bytes. Raises KeyError for a key whose private half is not here."""
    private = Ed25519PrivateKey.from_private_bytes(settings.AUDIT_SEAL_KEYS[key_id])
    return private.sign(_PURPOSE + digest)


def public_halves() -> dict[str, bytes]:
    """The public half of every known key by id: 32 bytes each, for whoever verifies elsewhere."""
    own = {
        key_id: Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        for key_id, seed in settings.AUDIT_SEAL_KEYS.items()
    }
    return {**settings.AUDIT_SEAL_OLD_KEYS, **own}


class Checker:
    """Checks many signatures; keeps the keys ready."""

    def __init__(self) -> None:
        self._keys = {
            key_id: Ed25519PublicKey.from_public_bytes(raw)
            for key_id, raw in public_halves().items()
        }

    def knows(self, key_id: str) -> bool:
        """Whether a key of this id is configured."""
        return key_id in self._keys

    def holds(self, key_id: str, digest: bytes, signature: bytes) -> bool:
        """Whether `signature` over `digest` is of the key with this id."""
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(signature, _PURPOSE + digest)
        except InvalidSignature:
            return False
        return True
