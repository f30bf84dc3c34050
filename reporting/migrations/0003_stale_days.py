import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_market_request_minutes"),
        ("reporting", "0002_guards"),
    ]

    operations = [
        migrations.AddField(
            model_name="rolledday",
            name="issuance_stale",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="rolledday",
            name="cases_stale",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="nightlyreport",
            name="checked_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.CreateModel(
            name="TrailCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_txid", models.BigIntegerField()),
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
    ]
