from django.db import migrations

from common.sql import transition_always


class Migration(migrations.Migration):
    dependencies = [("incidents", "0013_steps_unlocked")]

    operations = [
        transition_always(
            "incidents_incident",
            [
                "closed>in_recovery",
                "in_recovery>resolved",
                "open>in_recovery",
                "open>resolved",
                "resolved>closed",
                "resolved>in_recovery",
            ],
            moment="AFTER",
        ),
    ]
