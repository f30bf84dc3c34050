from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0006_guards_after")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
    ]
