"""Keyed hashes of contacts, keys and tokens, so that they can be matched but not read.

Each purpose has its own derived key: a fingerprint of one kind says nothing about another.
"""

import hashlib
import hmac

from django.conf import settings


def fingerprint(purpose: str, value: str) -> bytes:
    """HMAC-SHA256 of `value` under the key for `purpose`; 32 bytes."""
    key = hmac.digest(settings.FINGERPRINT_KEY, purpose.encode(), hashlib.sha256)
    return hmac.digest(key, value.encode(), hashlib.sha256)
