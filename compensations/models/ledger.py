"""The double-entry ledger: append only, every transaction zero per currency.

Debits are positive, credits negative, in minor units. The entries of one transaction are inserted
by one statement, and a statement trigger refuses a set that does not balance.
"""

import uuid

from django.db import models
from django.db.models.functions import Now

from accounts.models import Market

from ..states import Account, LedgerEvent
from .granting import Compensation


class LedgerEntry(models.Model):
    id = models.BigAutoField(primary_key=True)
    transaction = models.UUIDField(default=uuid.uuid4)
    event = models.CharField(max_length=10, choices=LedgerEvent)
    # Held by the statement trigger: the compensation is there, and of this market and currency.
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    compensation = models.ForeignKey(
        Compensation,
        on_delete=models.PROTECT,
        related_name="ledger_entries",
        db_index=False,
        db_constraint=False,
    )
    account = models.CharField(max_length=24, choices=Account)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["compensation"], name="ledger_compensation"),
            models.Index(fields=["market", "account", "at"], name="ledger_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_minor} {self.currency}"


class LedgerDay(models.Model):
    """What one closed local day of a market moved on one account by one kind of event.

    Derived from the entries, which never change: any day can be summed again. Minor units.
    """

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    account = models.CharField(max_length=24, choices=Account)
    event = models.CharField(max_length=10, choices=LedgerEvent)
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField()
    entries = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "date", "account", "event"], name="ledger_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.account} {self.event}"


class LedgerClosing(models.Model):
    """Up to which local date (exclusive) a market's days are summed in LedgerDay."""

    market = models.OneToOneField(Market, on_delete=models.PROTECT, related_name="+")
    until = models.DateField()
    closed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.market_id} {self.until}"
