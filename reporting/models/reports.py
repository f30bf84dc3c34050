"""The nightly report of a market's local date, its readers' comments and its sign-off."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff, Team


class NightlyReport(models.Model):
    """One per market and local date. `content` is what it says, amounts in minor units.

    Building it again from the same rows gives the same digest; a late correction gives a new
    revision, which has to be signed again.
    """

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    content = models.JSONField()
    # Of the content, for lists that do not open it: its totals, and the teams that have to sign.
    totals = models.JSONField(default=dict)
    team_ids = ArrayField(models.BigIntegerField(), default=list)
    digest = models.BinaryField(max_length=32)
    revision = models.PositiveIntegerField(default=1)
    built_at = models.DateTimeField(db_default=Now())
    # When it was last held against its rows, changed or not.
    checked_at = models.DateTimeField(db_default=Now())
    # How much the report's totals differ from the ledger's; zero on every sound day.
    difference_minor = models.BigIntegerField(default=0)
    emailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-date"]
        constraints = [
            models.UniqueConstraint(fields=["market", "date"], name="nightly_report_once")
        ]

    def __str__(self) -> str:
        return f"{self.market_id} {self.date}"


class ReportComment(models.Model):
    report = models.ForeignKey(NightlyReport, on_delete=models.PROTECT, related_name="comments")
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    body = models.CharField(_("comment"), max_length=1000)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.body


class ReportSignature(models.Model):
    """A supervisor's sign-off on what one revision says about one of their teams."""

    report = models.ForeignKey(NightlyReport, on_delete=models.PROTECT, related_name="signatures")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+", db_index=False)
    revision = models.PositiveIntegerField()
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["report", "team", "revision"], name="report_signed_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.report_id} {self.team_id}"
