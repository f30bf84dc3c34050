"""Coupon codes: making, reading back, checking, hashing, and sealing for a resend.

A code is 15 random symbols of Crockford's base 32 (75 bits) and one check symbol, shown in fours.
It is looked up by a keyed hash; its text exists only as AES-GCM ciphertext bound to the coupon's
id, and only while a resend is allowed.
"""

import hashlib
import hmac
import os
import secrets
import uuid
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

if TYPE_CHECKING:
    from .models import Coupon

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
FOLDS = str.maketrans({"O": "0", "I": "1", "L": "1"})
RANDOM_SYMBOLS = 15
LENGTH = RANDOM_SYMBOLS + 1
NONCE_BYTES = 12


def _double(value: int) -> int:
    """Multiplies by x in GF(32) modulo x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def check_symbol(symbols: str) -> str:
    """The Damm check symbol over GF(32): catches any one wrong symbol and any two swapped ones.

    The quasigroup is `a * b = 2(a + b)`, totally anti-symmetric for every power of two
    (H. M. Damm, 2004).
    """
    interim = 0
    for symbol in symbols:
        interim = _double(interim ^ VALUES[symbol])
    return ALPHABET[interim]


def new_code() -> str:
    """A fresh code without hyphens."""
    bits = secrets.randbits(5 * RANDOM_SYMBOLS)
    symbols = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(RANDOM_SYMBOLS))
    return symbols + check_symbol(symbols)


def read(text: str) -> str | None:
    """The code in what a person typed or a scanner sent, or None when it cannot be one.

    Case, spaces and hyphens do not matter; O reads as 0, I and L as 1.
    """
    code = "".join(text.upper().translate(FOLDS).replace("-", " ").split())
    if len(code) != LENGTH or any(symbol not in VALUES for symbol in code):
        return None
    return code if check_symbol(code[:-1]) == code[-1] else None


def display(code: str) -> str:
    """The code in fours: `7K3M-Q9TX-2WBD-8HFR`."""
    return "-".join(code[start : start + 4] for start in range(0, LENGTH, 4))


def current_hash(code: str) -> tuple[str, bytes]:
    """Id of the hash key in use, and the code's 32-byte hash under it."""
    key_id = next(iter(settings.CODE_HASH_KEYS))
    return key_id, _hash(key_id, code)


def all_hashes(code: str) -> list[bytes]:
    """The code's hash under every key still accepted, the one in use first."""
    return [_hash(key_id, code) for key_id in settings.CODE_HASH_KEYS]


def _hash(key_id: str, code: str) -> bytes:
    return hmac.digest(settings.CODE_HASH_KEYS[key_id], code.encode(), hashlib.sha256)


def seal(code: str, coupon_id: uuid.UUID) -> tuple[str, bytes]:
    """Id of the cipher key in use, and nonce plus ciphertext bound to the coupon's id."""
    key_id = next(iter(settings.CODE_CIPHER_KEYS))
    nonce = os.urandom(NONCE_BYTES)
    box = AESGCM(settings.CODE_CIPHER_KEYS[key_id])
    return key_id, nonce + box.encrypt(nonce, code.encode(), coupon_id.bytes)


def read_code(coupon: "Coupon") -> str | None:
    """The coupon's code, or None once a resend is no longer allowed.

    For rendering what the customer receives and sees, never for staff. Raises
    cryptography.exceptions.InvalidTag when the row was tampered with.
    """
    if coupon.code_ciphertext is None:
        return None
    sealed = bytes(coupon.code_ciphertext)
    box = AESGCM(settings.CODE_CIPHER_KEYS[coupon.cipher_key_id])
    return box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], coupon.id.bytes).decode()
