from django.db import migrations, models

# Days that hold imported cases were counted without telling them apart: they are counted again.
AGAIN = """
UPDATE reporting_rolledday rolled SET cases_stale = TRUE
WHERE EXISTS (
    SELECT FROM incidents_incident incident
    WHERE incident.market_id = rolled.market_id AND incident.resolve_due_at IS NULL
        AND incident.logged_at >= rolled.date - 1 AND incident.logged_at < rolled.date + 2)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0010_imported_page"),
        ("reporting", "0004_report_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="caseday",
            name="imported",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="caseday",
            name="imported_compensated",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
    ]
