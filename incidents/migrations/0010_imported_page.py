from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0008_contact_version")]

    operations = [
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("resolve_due_at__isnull", True)),
                fields=["market", "-id"],
                name="incident_imported_page",
            ),
        ),
    ]
