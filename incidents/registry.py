"""Questions that incidents ask of apps above them, and news that it gives them.

A higher app fills these in its AppConfig.ready(); nothing here imports upwards.
"""

from collections.abc import Callable, Sequence

from accounts.models import ApiClient, Staff
from common.errors import Refusal
from delivery.models import Message

from .models import ContactPoint, Incident

ClosingCheck = Callable[[Incident], Refusal | None]
StakeCheck = Callable[[Incident], Refusal | None]
ContactCorrected = Callable[[ContactPoint, Sequence[Message], Staff | ApiClient], None]

_closing_checks: list[ClosingCheck] = []
_stake_checks: list[StakeCheck] = []
_contact_corrected: list[ContactCorrected] = []


def register_closing_check(check: ClosingCheck) -> None:
    """`check(incident)` returns the refusal that forbids closing it, or None."""
    if check not in _closing_checks:
        _closing_checks.append(check)


def closing_checks() -> tuple[ClosingCheck, ...]:
    return tuple(_closing_checks)


def register_stake_check(check: StakeCheck) -> None:
    """`check(incident)` returns the refusal that forbids its new amount at stake, or None.

    It runs in the transaction of the change, on the locked row with the new amount set and not
    saved. A database guard should say the same to whoever comes through another door.
    """
    if check not in _stake_checks:
        _stake_checks.append(check)


def stake_checks() -> tuple[StakeCheck, ...]:
    return tuple(_stake_checks)


def on_contact_corrected(callback: ContactCorrected) -> None:
    """`callback(contact, outdated, by)` runs in the transaction that corrects a contact.

    `outdated` are the queued messages that will no longer be sent; the callback queues fresh ones
    for those it knows.
    """
    if callback not in _contact_corrected:
        _contact_corrected.append(callback)


def contact_corrected() -> tuple[ContactCorrected, ...]:
    return tuple(_contact_corrected)
