import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from common.sql import transition_guard

ACCOUNTS = [
    ("goodwill_expense", "Goodwill expense"),
    ("statutory_expense", "Statutory expense"),
    ("outstanding_liability", "Outstanding liability"),
    ("refunds_payable", "Refunds payable"),
    ("redemption_clearing", "Redemption clearing"),
    ("breakage", "Breakage"),
]
EVENTS = [
    ("issue", "Issue"),
    ("redeem", "Redemption"),
    ("reverse", "Reversal"),
    ("void", "Void"),
    ("expire", "Expiry"),
]
STATES = [
    ("proposed", "Proposed"),
    ("in_force", "In force"),
    ("rejected", "Rejected"),
    ("withdrawn", "Withdrawn"),
    ("retired", "Retired"),
]
UNDECIDED = ["proposed", "withdrawn"]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_market_request_minutes"),
        ("compensations", "0005_days"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerClosing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("until", models.DateField()),
                (
                    "closed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "market",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.market",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LedgerDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField()),
                ("account", models.CharField(choices=ACCOUNTS, max_length=24)),
                ("event", models.CharField(choices=EVENTS, max_length=10)),
                ("debit_minor", models.BigIntegerField()),
                ("credit_minor", models.BigIntegerField()),
                ("entries", models.PositiveIntegerField()),
                (
                    "market",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.market",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("market", "date", "account", "event"), name="ledger_day_once"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="issuancelimit",
            name="state",
            field=models.CharField(choices=STATES, default="proposed", max_length=10),
        ),
        migrations.AddField(
            model_name="issuancelimit",
            name="ended_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="issuancelimit",
            name="ended_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveConstraint(
            model_name="issuancelimit", name="limit_in_force_is_decided"
        ),
        migrations.AddConstraint(
            model_name="issuancelimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("decided_by", None), ("state__in", UNDECIDED))
                | (
                    models.Q(("state__in", UNDECIDED), _negated=True)
                    & models.Q(("decided_by__isnull", False))
                ),
                name="limit_in_force_is_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="issuancelimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at", None), ("ended_by", None))
                | models.Q(
                    ("ended_at__isnull", False),
                    ("ended_by__isnull", False),
                    ("state__in", ["withdrawn", "retired"]),
                ),
                name="limit_end_has_both",
            ),
        ),
        # The same guard with one arrow more: a proposal that its author takes back.
        migrations.RunSQL(
            "DROP TRIGGER compensations_issuancelimit_transition ON compensations_issuancelimit",
            transition_guard(
                "compensations_issuancelimit",
                ["in_force>retired", "proposed>in_force", "proposed>rejected"],
            ).sql,
        ),
        transition_guard(
            "compensations_issuancelimit",
            ["in_force>retired", "proposed>in_force", "proposed>rejected", "proposed>withdrawn"],
        ),
    ]
