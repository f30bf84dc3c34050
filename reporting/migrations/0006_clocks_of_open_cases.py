from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def count_cases_again(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Rolled days know nothing of open cases yet; they are rolled again by the next run."""
    apps.get_model("reporting", "RolledDay").objects.update(cases_stale=True)


class Migration(migrations.Migration):
    dependencies = [("reporting", "0005_imported_cases")]

    operations = [
        migrations.AddField(
            model_name="rolledday",
            name="clock_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="caseday",
            name="met",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="caseday",
            name="running",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.RunPython(count_cases_again, migrations.RunPython.noop),
    ]
