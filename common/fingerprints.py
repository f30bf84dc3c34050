"""Keyed hashes of contacts, keys and tokens, so that they can be matched but not read.

Each purpose has its own derived key: a fingerprint of one kind says nothing about another.
"""

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=32)
def _key(root: bytes, purpose: str) -> bytes:
    return hmac.digest(root, purpose.encode(), hashlib.sha256)


def fingerprint(purpose: str, value: str) -> bytes:
    """HMAC-SHA256 of `value` under the key for `purpose`; 32 bytes."""
    key = _key(settings.FINGERPRINT_KEY, purpose)
    return hmac.digest(key, value.encode(), hashlib.sha256)
