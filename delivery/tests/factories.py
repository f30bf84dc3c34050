"""Messages for tests."""

import uuid
from typing import Any

from accounts.models import Market
from accounts.tests.factories import MarketFactory
from common.fingerprints import fingerprint
from common.ids import uuid7
from delivery.actions import new_message
from delivery.models import Message

from . import topics


def make_message(market: Market | None = None, **fields: Any) -> Message:
    """A queued message of the tests' topic, saved as `queue_message` would but ringing nobody."""
    topics.register()
    ref: uuid.UUID = fields.pop("ref", None) or uuid7()
    values: dict[str, Any] = {
        "market": market or MarketFactory(),
        "topic": topics.TOPIC,
        "ref": ref,
        "about": uuid7(),
        "channel": "email",
        "language": "es",
        "contact": uuid7(),
        "address_fingerprint": fingerprint("contact", topics.address_of(ref)),
        "address_masked": "m•••@example.com",
        **fields,
    }
    message = new_message(**values)
    message.save(force_insert=True)
    return message
