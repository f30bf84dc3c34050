from django.db import migrations

# Nobody decides what they asked for, logged or wrote the contact of, and nobody says yes to what
# comes to an address of their own: whatever door the decision comes through.
DECIDER = """
CREATE FUNCTION guard_approval_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM compensations_compensation AS asked
        JOIN incidents_incident AS incident ON incident.id = asked.incident_id
        WHERE asked.id = NEW.compensation_id
          AND NEW.decided_by_id IN (asked.granted_by_id, incident.logged_by_id)
    ) OR EXISTS (
        SELECT 1
        FROM compensations_compensation AS asked
        JOIN incidents_contactpoint AS contact
            ON contact.customer_id = asked.customer_id AND contact.is_active
        JOIN accounts_staff AS decider ON decider.id = NEW.decided_by_id
        WHERE asked.id = NEW.compensation_id
          AND (contact.changed_by_id = decider.id
               OR NEW.state = 'approved' AND contact.fingerprint IN (
                   decider.email_fingerprint, decider.phone_fingerprint))
    ) THEN
        RAISE EXCEPTION 'nobody decides what they asked for, wrote or benefit from'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER compensations_approval_decider
    BEFORE UPDATE OF decided_by_id ON compensations_approval
    FOR EACH ROW WHEN (NEW.decided_by_id IS NOT NULL)
    EXECUTE FUNCTION guard_approval_decider();
"""
DROP_DECIDER = """
DROP TRIGGER compensations_approval_decider ON compensations_approval;
DROP FUNCTION guard_approval_decider();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compensations", "0008_open_compensations"),
        ("incidents", "0005_states_by_market"),
    ]

    operations = [migrations.RunSQL(DECIDER, DROP_DECIDER)]
