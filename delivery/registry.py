"""What a topic says and to whom: filled in by the higher apps when they are ready.

A message row carries only its topic and a reference. What it says, and the customer's present
address, are asked for at the moment of sending, so that neither waits in the outbox. No ORM writes
and no rule about sending live here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .models import Message


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the customer reads, in the message's language. `html` may be empty."""

    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The contact's value as it is now, with its keyed fingerprint."""

    name: str
    address: str
    fingerprint: bytes


Render = Callable[[Message], Rendered]
Resolve = Callable[[Message], Recipient | None]
Outdated = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class Topic:
    render: Render
    resolve: Resolve
    outdated: Outdated | None = None


_topics: dict[str, Topic] = {}


def register_topic(
    topic: str, *, render: Render, resolve: Resolve, outdated: Outdated | None = None
) -> None:
    """Says how messages of `topic` are worded and addressed.

    `resolve` returns the current contact, or None when it is gone. `outdated` is called inside the
    transaction in which a message failed because its address was found changed only at the moment
    of sending; it may queue a fresh one. (Those still queued when an address is corrected are
    returned by `actions.outdate_contact` instead.)
    """
    _topics[topic] = Topic(render, resolve, outdated)


def get_topic(topic: str) -> Topic:
    """The registered topic. Raises LookupError: a message nobody can word must not be queued."""
    try:
        return _topics[topic]
    except KeyError:
        raise LookupError(f"no app registered the topic {topic}") from None
