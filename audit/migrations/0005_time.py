"""The order in which the trail is read: by moment and number, which also finds an old period."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("audit", "0004_moment"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(fields=["at", "id"], name="audit_time"),
        ),
        RemoveIndexConcurrently(model_name="auditevent", name="audit_moment"),
    ]
