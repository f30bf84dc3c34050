from django.db import migrations, models

_COUNTS = ("met", "running", "imported", "imported_compensated")
# Rolled days know nothing of open cases and imports yet: they are rolled again by the next run.
AGAIN = "UPDATE reporting_rolledday SET cases_stale = TRUE"


class Migration(migrations.Migration):
    dependencies = [("reporting", "0004_report_lists")]

    operations = [
        migrations.AddField(
            model_name="rolledday",
            name="clock_at",
            field=models.DateTimeField(null=True),
        ),
        *(
            migrations.AddField(
                model_name="caseday",
                name=name,
                field=models.PositiveIntegerField(default=0, db_default=0),
            )
            for name in _COUNTS
        ),
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
    ]
