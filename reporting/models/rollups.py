"""Counts and values per agent and local day of a market. Amounts are minor units of its currency.

Every figure counts an event on the local date of that event: what was issued on Monday and voided
on Tuesday is Monday's issue and Tuesday's void. A day is rolled as a whole, so that it equals a
recount of its source rows whatever was corrected late.
"""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Location, Market, Staff, Team
from compensations.states import OfferKind
from incidents.models import Category
from incidents.states import ContactChannel, Severity


class RolledDay(models.Model):
    """That a market's local date was rolled, and when.

    A part that is stale has changed since: it is counted from its rows until it is rolled again.
    """

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    rolled_at = models.DateTimeField(db_default=Now())
    issuance_stale = models.BooleanField(default=False, db_default=False)
    cases_stale = models.BooleanField(default=False, db_default=False)
    # When a clock of one of the day's open cases runs out next: the cases are stale from then on.
    clock_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "date"], name="rolled_day_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.date}"


class TrailCursor(models.Model):
    """Up to which transaction the trail was read for what changes a market's rolled days.

    Every row of the trail with a lower `txid` has been taken into account.
    """

    market = models.OneToOneField(Market, on_delete=models.PROTECT, related_name="+")
    seen_txid = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.market_id} {self.seen_txid}"


class IssuanceDay(models.Model):
    """What became of one agent's compensations on one day, in one cell of the mix."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    # Who granted or asked for it, with the team and the place of that moment.
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    team = models.ForeignKey(
        Team, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    location = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    severity = models.CharField(max_length=10, choices=Severity)
    channel = models.CharField(max_length=10, choices=ContactChannel, blank=True)
    kind = models.CharField(max_length=15, choices=OfferKind)
    is_statutory = models.BooleanField()

    issued = models.PositiveIntegerField(default=0)
    issued_face = models.BigIntegerField(default=0)
    issued_expected = models.BigIntegerField(default=0)
    # Of those issued: how many a second person approved, and how many took the place of another.
    approved = models.PositiveIntegerField(default=0)
    reissued = models.PositiveIntegerField(default=0)
    voided = models.PositiveIntegerField(default=0)
    voided_face = models.BigIntegerField(default=0)
    redeemed = models.PositiveIntegerField(default=0)
    redeemed_value = models.BigIntegerField(default=0)
    reversed = models.PositiveIntegerField(default=0)
    reversed_value = models.BigIntegerField(default=0)
    expired = models.PositiveIntegerField(default=0)
    expired_value = models.BigIntegerField(default=0)
    requested = models.PositiveIntegerField(default=0)
    requested_face = models.BigIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    withdrawn = models.PositiveIntegerField(default=0)
    lapsed = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["market", "staff", "date"], name="issuance_day_staff")]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "market",
                    "date",
                    "staff",
                    "team",
                    "location",
                    "category",
                    "severity",
                    "channel",
                    "kind",
                    "is_statutory",
                ],
                name="issuance_day_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.staff_id} {self.kind}"


class CaseDay(models.Model):
    """The cases logged on one day, by who owns them, and what has become of them since."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    # The owner; nobody's where the case has none.
    staff = models.ForeignKey(
        Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    team = models.ForeignKey(
        Team, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    location = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    severity = models.CharField(max_length=10, choices=Severity)
    channel = models.CharField(max_length=10, choices=ContactChannel, blank=True)

    cases = models.PositiveIntegerField(default=0)
    # Of those: with a compensation that was issued and not voided, and the seconds it took to
    # the first; resolved or closed; past a clock, done late or not done yet; settled with every
    # clock met; still open with time left. Cases without clocks are in none of the last three.
    compensated = models.PositiveIntegerField(default=0)
    seconds_to_compensation = models.BigIntegerField(default=0)
    resolved = models.PositiveIntegerField(default=0)
    breached = models.PositiveIntegerField(default=0)
    met = models.PositiveIntegerField(default=0, db_default=0)
    running = models.PositiveIntegerField(default=0, db_default=0)
    # Of the cases and the compensated ones: brought by a file, so without clocks.
    imported = models.PositiveIntegerField(default=0, db_default=0)
    imported_compensated = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [models.Index(fields=["market", "staff", "date"], name="case_day_staff")]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "market",
                    "date",
                    "staff",
                    "team",
                    "location",
                    "category",
                    "severity",
                    "channel",
                ],
                name="case_day_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.staff_id} {self.cases}"
