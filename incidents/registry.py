"""Questions that incidents ask of apps above them, and news that it gives them.

A higher app fills these in its AppConfig.ready(); nothing here imports upwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts.models import ApiClient, Market, Staff
from common.errors import Refusal
from delivery.models import Message

from .models import ContactPoint, Incident


@dataclass(frozen=True, slots=True)
class OpenEnd:
    """Something about a case that whoever resolves it should know.

    `code` is stable and part of the API; `words` are for the reader, in their language;
    `compensation` is the id of the one it is about, empty for none.
    """

    code: str
    words: str
    compensation: str = ""


ClosingCheck = Callable[[Incident], Refusal | None]
StakeCheck = Callable[[Incident], Refusal | None]
BeforeIdentifying = Callable[[Market], None]
CustomerCheck = Callable[[Incident], Refusal | None]
OpenEnds = Callable[[Incident], Sequence[OpenEnd]]
ContactCorrected = Callable[[ContactPoint, Sequence[Message], Staff | ApiClient], None]

_closing_checks: list[ClosingCheck] = []
_stake_checks: list[StakeCheck] = []
_customer_checks: list[tuple[BeforeIdentifying, CustomerCheck]] = []
_open_ends: list[OpenEnds] = []
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


def register_customer_check(before: BeforeIdentifying, check: CustomerCheck) -> None:
    """`check(incident)` returns the refusal that forbids giving it its customer, or None.

    It runs in the transaction of the change, on the locked row. `before(market)` runs first of all
    in it and takes the locks that come before the case's own.
    """
    if (before, check) not in _customer_checks:
        _customer_checks.append((before, check))


def customer_checks() -> tuple[tuple[BeforeIdentifying, CustomerCheck], ...]:
    return tuple(_customer_checks)


def register_open_ends(look: OpenEnds) -> None:
    """`look(incident)` names what is not done yet on a case; it may be resolved all the same."""
    if look not in _open_ends:
        _open_ends.append(look)


def open_ends(incident: Incident) -> list[OpenEnd]:
    """What is not done yet on a case, as the higher apps see it."""
    return [found for look in _open_ends for found in look(incident)]


def on_contact_corrected(callback: ContactCorrected) -> None:
    """`callback(contact, outdated, by)` runs in the transaction that corrects a contact.

    `outdated` are the queued messages that will no longer be sent; the callback queues fresh ones
    for those it knows.
    """
    if callback not in _contact_corrected:
        _contact_corrected.append(callback)


def contact_corrected() -> tuple[ContactCorrected, ...]:
    return tuple(_contact_corrected)
