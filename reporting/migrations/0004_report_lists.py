import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reporting", "0003_stale_days")]

    operations = [
        migrations.AddField(
            model_name="nightlyreport",
            name="totals",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="nightlyreport",
            name="team_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
    ]
