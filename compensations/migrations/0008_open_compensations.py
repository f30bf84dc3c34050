from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built without keeping anybody from writing, which no transaction can.
    atomic = False
    dependencies = [("compensations", "0007_scale_editors")]

    operations = [
        AddIndexConcurrently(
            model_name="compensation",
            index=models.Index(
                condition=models.Q(("state", "issued")),
                fields=["market", "issued_at", "id"],
                include=[
                    "kind",
                    "is_statutory",
                    "expires_at",
                    "face_minor",
                    "expected_cost_minor",
                ],
                name="compensation_open",
            ),
        ),
        AddIndexConcurrently(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(
                    ("balance_minor__lt", models.F("value_minor")),
                    ("keeps_balance", True),
                    ("state__in", ["issued", "reserved"]),
                ),
                fields=["market"],
                name="coupon_partly_used",
            ),
        ),
    ]
