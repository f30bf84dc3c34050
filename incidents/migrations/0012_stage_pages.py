from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

from common.sql import patiently

# A table that is written anew by a migration counts as unchanged: the new column would wait for its
# statistics until a tenth of the cases are new. An empty one is better taken for unknown.
COUNT = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM incidents_incident) THEN
        ANALYZE incidents_incident;
    END IF;
END $$
"""


class Migration(migrations.Migration):
    # Built without keeping anybody from logging a case, which no transaction can.
    atomic = False

    dependencies = [("incidents", "0011_stage")]

    operations = [
        *patiently(
            AddIndexConcurrently(
                "incident",
                models.Index(fields=["market", "stage", "-id"], name="incident_stage_page"),
            ),
            AddIndexConcurrently(
                "incident",
                models.Index(fields=["owner", "stage", "-id"], name="incident_owner_stage_page"),
            ),
            RemoveIndexConcurrently("incident", "incident_state_page"),
            RemoveIndexConcurrently("incident", "incident_owner_page"),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
