"""The interface of a channel: one envelope in, one outcome out. No ORM, no rule about retrying."""

import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..states import AttemptOutcome


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that a provider is given. `id` is the idempotency key: the same for every try."""

    id: uuid.UUID
    sender_name: str
    sender_address: str
    recipient_name: str
    recipient_address: str
    language: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after a call.

    RETRY only when the provider surely did not accept; UNKNOWN whenever it may have. `error` is a
    short machine word, never the provider's own text, which may quote an address.
    """

    kind: AttemptOutcome
    error: str = ""
    reference: str = ""


class Adapter(ABC):
    """One provider. `send` takes at most half a minute and raises nothing it can name."""

    provider: str
    # Names under which receipts of its messages come in.
    receipts_from: tuple[str, ...]
    # Whether a second copy under the same key is no harm, as with a mail of the same Message-ID.
    duplicate_harmless: bool

    @abstractmethod
    def send(self, envelope: Envelope) -> Outcome:
        """Hands the envelope to the provider, outside any transaction."""
