from django.db import migrations

# As before, and an address of the decider's own is also one that differs in its sub-address alone.
BY_MAILBOX = """
CREATE OR REPLACE FUNCTION guard_approval_decider() RETURNS trigger LANGUAGE plpgsql AS $$
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
               OR NEW.state = 'approved' AND (
                   contact.fingerprint IN (decider.email_fingerprint, decider.phone_fingerprint)
                   OR mailbox(contact.value) = mailbox(decider.email)))
    ) THEN
        RAISE EXCEPTION 'nobody decides what they asked for, wrote or benefit from'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BY_ADDRESS = """
CREATE OR REPLACE FUNCTION guard_approval_decider() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_mailbox"),
        ("compensations", "0015_stake_covers_refunds"),
    ]

    operations = [migrations.RunSQL(BY_MAILBOX, BY_ADDRESS)]
