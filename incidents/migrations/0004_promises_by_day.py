from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built without keeping anybody from writing, which no transaction can.
    atomic = False
    dependencies = [("incidents", "0003_narrative_words")]

    operations = [
        AddIndexConcurrently(
            model_name="promise",
            index=models.Index(fields=["market", "due_at"], name="promise_day"),
        ),
    ]
