"""Channels that exist and the adapter behind each. The next one (SMS, WhatsApp) is added here."""

from accounts.models import Market

from ..states import Channel
from .base import Adapter
from .email import EmailAdapter

# None: there is no provider; the person who serves the customer hands the thing over.
_ADAPTERS: dict[str, Adapter | None] = {Channel.EMAIL: EmailAdapter(), Channel.HANDOVER: None}


def has_provider(channel: str) -> bool:
    """Whether somebody else carries messages of this channel, so that they wait to be sent."""
    return _ADAPTERS.get(channel) is not None


def adapter_for(channel: str) -> Adapter:
    """The adapter of a channel that has a provider. Raises LookupError for any other."""
    adapter = _ADAPTERS.get(channel)
    if adapter is None:
        raise LookupError(f"the channel {channel} has no provider")
    return adapter


def provider_channels(provider: str) -> list[str]:
    """Channels whose receipts come in under this name; empty when there is no such provider."""
    return [
        channel
        for channel, adapter in _ADAPTERS.items()
        if adapter is not None and provider in adapter.receipts_from
    ]


def resendable_channels() -> list[str]:
    """Channels on which a duplicate does no harm, so that an unknown outcome is sent once more."""
    return [
        channel
        for channel, adapter in _ADAPTERS.items()
        if adapter is not None and adapter.duplicate_harmless
    ]


def available_channels(market: Market) -> list[Channel]:
    """Channels over which a message of this market can be sent now, the preferred first."""
    return [Channel(channel) for channel in _ADAPTERS] if market.is_active else []
