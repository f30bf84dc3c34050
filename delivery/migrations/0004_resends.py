import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from common.sql import patiently


class Migration(migrations.Migration):
    # The index is built without keeping anybody from sending, which no transaction can.
    atomic = False

    dependencies = [("delivery", "0003_market_unlocked")]

    operations = [
        *patiently(
            AddIndexConcurrently(
                "message",
                models.Index(
                    condition=models.Q(("resend_of__isnull", False)),
                    fields=["resend_of"],
                    name="message_resend_of",
                ),
            ),
        ),
        migrations.AlterField(
            "message",
            "resend_of",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="resends",
                to="delivery.message",
            ),
        ),
    ]
