from django.db import migrations

# Markets differ: one may have closed nearly everything, another just begun. Without this the
# planner takes every market for the mean of all and reads a market's history to count its open
# cases. Learnt by each ANALYZE; writing a case costs nothing more.
STATISTICS = """
CREATE STATISTICS incident_states_by_market (mcv) ON market_id, state FROM incidents_incident
"""
DROP = "DROP STATISTICS incident_states_by_market"


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_promises_by_day")]

    operations = [migrations.RunSQL(STATISTICS, DROP)]
