from django.db import migrations

# What the refunds of a case gave back stays within what was at stake, whatever door another amount
# comes through. An update waits for the grant that holds the case, and the question is asked after
# that; it is not asked of a case whose amount stays as it is.
COVERS = """
CREATE FUNCTION guard_stake() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    refunded bigint := (
        SELECT sum(face_minor) FROM compensations_compensation
        WHERE incident_id = NEW.id AND kind IN ('partial_refund', 'full_refund')
            AND state IN ('issued', 'settled')
    );
BEGIN
    IF refunded > COALESCE(NEW.amount_at_stake_minor, 0) THEN
        RAISE EXCEPTION '% of this case is refunded, so no less was at stake', refunded
            USING ERRCODE = 'check_violation', CONSTRAINT = 'incident_stake_covers_refunds';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER incidents_incident_stake
    AFTER UPDATE OF amount_at_stake_minor ON incidents_incident
    FOR EACH ROW WHEN (OLD.amount_at_stake_minor IS DISTINCT FROM NEW.amount_at_stake_minor)
    EXECUTE FUNCTION guard_stake();
"""
DROP_COVERS = """
DROP TRIGGER incidents_incident_stake ON incidents_incident;
DROP FUNCTION guard_stake();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compensations", "0014_offer_once"),
        ("incidents", "0007_customer_version"),
    ]

    operations = [migrations.RunSQL(COVERS, DROP_COVERS)]
