"""The coupon, its use and the undoing of its use.

The code is stored as a keyed hash for look-up, its last four for people, and as ciphertext only
while a resend is allowed.
"""

from django.db import models
from django.db.models.functions import Now

from accounts.models import ApiClient, Location, Market, Staff
from common.ids import uuid7

from ..conditions import ReservedHasBoth
from ..states import CouponState
from .granting import Compensation


class Coupon(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The first two are held by a trigger: a compensation with its market, currency and value.
    compensation = models.OneToOneField(
        Compensation, on_delete=models.PROTECT, related_name="coupon", db_constraint=False
    )
    # Keys without an index of their own begin a constraint, or nothing is ever looked up by them.
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    code_hash = models.BinaryField(max_length=32)
    hash_key_id = models.CharField(max_length=20)
    last_four = models.CharField(max_length=4)
    code_ciphertext = models.BinaryField(null=True)
    cipher_key_id = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=10, choices=CouponState, default=CouponState.ISSUED)
    currency = models.CharField(max_length=3)
    value_minor = models.BigIntegerField()
    # What is left: the whole value or nothing, except for a gift card.
    balance_minor = models.BigIntegerField()
    keeps_balance = models.BooleanField(default=False)
    usable_at = models.JSONField(default=list)
    expires_at = models.DateTimeField()
    reserved_until = models.DateTimeField(null=True)
    reserved_by = models.ForeignKey(
        ApiClient, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        indexes = [
            # The few whose balance is not their value: what is owed is read without the others.
            models.Index(
                fields=["market"],
                name="coupon_partly_used",
                condition=models.Q(
                    keeps_balance=True,
                    state__in=["issued", "reserved"],
                    balance_minor__lt=models.F("value_minor"),
                ),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code_hash"], name="coupon_code_once"),
            models.CheckConstraint(
                name="coupon_balance_in_range",
                condition=models.Q(
                    balance_minor__gte=0, balance_minor__lte=models.F("value_minor")
                ),
            ),
            models.CheckConstraint(
                name="coupon_reserved_has_both",
                condition=ReservedHasBoth("state", "reserved_by", "reserved_until"),
            ),
        ]

    def __str__(self) -> str:
        return f"•••• {self.last_four}"

    @property
    def in_use(self) -> bool:
        """Whether all or some of it was used, which only who has it can do."""
        return self.state == CouponState.REDEEMED or self.balance_minor < self.value_minor


class Redemption(models.Model):
    """One use, by a client (`client`) or at the counter (`cashier`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # All of them are held by a trigger: a coupon, a location and a client of one market.
    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, related_name="redemptions", db_constraint=False
    )
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    location = models.ForeignKey(
        Location,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    client = models.ForeignKey(
        ApiClient,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    cashier = models.ForeignKey(
        Staff,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    external_transaction_id = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())
    reversed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["cashier", "-id"], name="redemption_cashier"),
            models.Index(fields=["market", "created_at"], name="redemption_day"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "cashier", "external_transaction_id"],
                name="redemption_transaction_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="redemption_by_one",
                condition=models.Q(client=None, cashier__isnull=False)
                | models.Q(client__isnull=False, cashier=None),
            ),
            models.CheckConstraint(
                name="redemption_amount_not_negative", condition=models.Q(amount_minor__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"


class Reversal(models.Model):
    """A redemption undone inside its window; at most one each."""

    redemption = models.OneToOneField(Redemption, on_delete=models.PROTECT, related_name="reversal")
    client = models.ForeignKey(
        ApiClient, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    staff = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    external_transaction_id = models.CharField(max_length=80)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="reversal_day")]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "staff", "external_transaction_id"],
                name="reversal_transaction_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return str(self.redemption_id)
