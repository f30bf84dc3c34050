from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built without keeping anybody from writing, which no transaction can.
    atomic = False
    dependencies = [("compensations", "0004_request_guards")]

    operations = [
        AddIndexConcurrently(
            model_name="approval",
            index=models.Index(fields=["market", "requested_at"], name="approval_requested"),
        ),
        AddIndexConcurrently(
            model_name="approval",
            index=models.Index(
                condition=models.Q(("decided_at__isnull", False)),
                fields=["market", "decided_at"],
                name="approval_decided",
            ),
        ),
        AddIndexConcurrently(
            model_name="approval",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["market", "closed_at"],
                name="approval_closed",
            ),
        ),
        AddIndexConcurrently(
            model_name="compensation",
            index=models.Index(
                condition=models.Q(("state__in", ["voided", "expired"])),
                fields=["market", "ended_at"],
                name="compensation_ended",
            ),
        ),
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(fields=["market", "created_at"], name="redemption_day"),
        ),
        AddIndexConcurrently(
            model_name="reversal",
            index=models.Index(fields=["created_at"], name="reversal_day"),
        ),
    ]
