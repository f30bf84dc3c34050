"""The entries that each event of a compensation writes. Debits positive, credits negative.

What is granted is an expense and a debt at once; use moves the debt to the clearing account, a void
takes the expense back, and a debt nobody claims ends as breakage. Face value in minor units.
An entry bears the very moment of its event, so that both fall on the same local date.
"""

import datetime as dt
import uuid

from common.rows import fresh

from .models import Compensation, LedgerEntry
from .states import REFUND_KINDS, Account, LedgerEvent


def expense_account(is_statutory: bool) -> Account:
    return Account.STATUTORY if is_statutory else Account.GOODWILL


def owed_account(kind: str) -> Account:
    """Where the debt of a kind stands until it is used, paid or expires."""
    return Account.REFUNDS if kind in REFUND_KINDS else Account.LIABILITY


def pair(
    event: LedgerEvent,
    compensation: Compensation,
    debit: Account,
    credit: Account,
    minor: int,
    at: dt.datetime | None,
) -> list[LedgerEntry]:
    """The two unsaved entries of one transaction; none for a zero amount. Without `at`, now."""
    if minor == 0:
        return []
    transaction = uuid.uuid4()
    moment = {} if at is None else {"at": at}
    return [
        fresh(
            LedgerEntry,
            transaction=transaction,
            event=event,
            market_id=compensation.market_id,
            compensation=compensation,
            account=account,
            amount_minor=amount,
            currency=compensation.currency,
            **moment,
        )
        for account, amount in ((debit, minor), (credit, -minor))
    ]


def on_issue(compensation: Compensation) -> list[LedgerEntry]:
    return pair(
        LedgerEvent.ISSUE,
        compensation,
        expense_account(compensation.is_statutory),
        owed_account(compensation.kind),
        compensation.face_minor,
        compensation.issued_at,
    )


def on_void(compensation: Compensation) -> list[LedgerEntry]:
    return pair(
        LedgerEvent.VOID,
        compensation,
        owed_account(compensation.kind),
        expense_account(compensation.is_statutory),
        compensation.face_minor,
        compensation.ended_at,
    )


def on_redeem(
    compensation: Compensation, minor: int, at: dt.datetime | None = None
) -> list[LedgerEntry]:
    return pair(LedgerEvent.REDEEM, compensation, Account.LIABILITY, Account.CLEARING, minor, at)


def on_reverse(
    compensation: Compensation, minor: int, at: dt.datetime | None = None
) -> list[LedgerEntry]:
    return pair(LedgerEvent.REVERSE, compensation, Account.CLEARING, Account.LIABILITY, minor, at)


def on_expire(
    compensation: Compensation, minor: int, at: dt.datetime | None = None
) -> list[LedgerEntry]:
    return pair(LedgerEvent.EXPIRE, compensation, Account.LIABILITY, Account.BREAKAGE, minor, at)
