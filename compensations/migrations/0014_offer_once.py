from django.db import migrations, models

from common.sql import frozen_anew

# Each row of before says what its offer is. Where a case already holds the same offer more than
# once, of several versions, the newest says it and the older ones are numbered: what was given
# stands.
KEYS = """
WITH placed AS (
    SELECT given.id, offer.kind || ':' || offer.name_es AS key,
        given.state IN ('requested', 'issued', 'settled') AS live,
        row_number() OVER (
            PARTITION BY given.incident_id, offer.kind, offer.name_es,
                given.state IN ('requested', 'issued', 'settled')
            ORDER BY given.id DESC
        ) AS place
    FROM compensations_compensation AS given
    JOIN compensations_offer AS offer ON offer.id = given.offer_id
)
UPDATE compensations_compensation AS given
SET offer_key = key || CASE WHEN live AND place > 1 THEN ' #' || place ELSE '' END
FROM placed
WHERE placed.id = given.id AND given.offer_key = ''
"""
ONCE = """
CREATE UNIQUE INDEX CONCURRENTLY compensation_offer_once
ON compensations_compensation (incident_id, offer_key)
WHERE state IN ('requested', 'issued', 'settled')
"""
ONCE_BEFORE = """
CREATE UNIQUE INDEX CONCURRENTLY compensation_once_per_offer
ON compensations_compensation (incident_id, offer_id)
WHERE state IN ('requested', 'issued', 'settled')
"""
DROP_ONCE = "DROP INDEX CONCURRENTLY IF EXISTS compensation_offer_once"
DROP_ONCE_BEFORE = "DROP INDEX CONCURRENTLY IF EXISTS compensation_once_per_offer"
LIVE = models.Q(("state__in", ["requested", "issued", "settled"]))
FROZEN_BEFORE = [
    "currency",
    "face_minor",
    "customer_id",
    "incident_id",
    "offer_id",
    "version_id",
    "granted_by_id",
    "is_statutory",
    "market_id",
    "rule_id",
]


class Migration(migrations.Migration):
    # Built without keeping anybody from writing, which no transaction can. Each part can be run
    # again where one after it failed.
    atomic = False
    dependencies = [("compensations", "0013_offer_key")]

    operations = [
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(DROP_ONCE, DROP_ONCE_BEFORE),
                migrations.RunSQL(ONCE, ONCE_BEFORE),
                migrations.RunSQL(DROP_ONCE_BEFORE, DROP_ONCE),
            ],
            state_operations=[
                migrations.RemoveConstraint(
                    model_name="compensation", name="compensation_once_per_offer"
                ),
                migrations.AddConstraint(
                    model_name="compensation",
                    constraint=models.UniqueConstraint(
                        condition=LIVE,
                        fields=("incident", "offer_key"),
                        name="compensation_offer_once",
                    ),
                ),
            ],
        ),
        frozen_anew("compensations_compensation", [*FROZEN_BEFORE, "offer_key"], FROZEN_BEFORE),
    ]
