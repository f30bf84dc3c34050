"""Standard Webhooks signatures of what providers send us: HMAC-SHA256 over id, time and body.

Pure functions; who calls decides what a refusal looks like.
"""

import base64
import binascii
import hashlib
import hmac

# Seconds by which the sender's clock, or the network, may be off in either direction.
FRESH_SECONDS = 300
# A sender that changes its key signs with both for a while; more than this is nonsense.
MOST_SIGNATURES = 8


def sign(secret: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for one key."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode("ascii")


def is_signed(
    secret: bytes, *, event_id: str, timestamp: str, signatures: str, body: bytes, now: float
) -> bool:
    """Whether one of the space-separated `signatures` is ours and the time is fresh.

    `timestamp` is Unix seconds as sent; `now` likewise. Compared in constant time.
    """
    if not event_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    wanted = base64.b64decode(sign(secret, event_id, int(timestamp), body).partition(",")[2])
    good = False
    for word in signatures.split(" ")[:MOST_SIGNATURES]:
        version, _mark, value = word.partition(",")
        try:
            given = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            continue
        good |= version == "v1" and hmac.compare_digest(given, wanted)
    return good and abs(now - int(timestamp)) <= FRESH_SECONDS
