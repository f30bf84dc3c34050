from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built without keeping anybody from logging a case, which no transaction can.
    atomic = False

    dependencies = [("incidents", "0008_contact_version")]

    operations = [
        AddIndexConcurrently(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("resolve_due_at__isnull", True)),
                fields=["market", "-id"],
                name="incident_imported_page",
            ),
        ),
    ]
