from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0007_customer_version")]

    operations = [
        migrations.AddField(
            model_name="contactpoint",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
    ]
