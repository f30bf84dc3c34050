from django.db import migrations

from common.sql import frozen_guard

# Rows from before the column take the channel of their case.
CHANNELS = """
UPDATE compensations_compensation SET channel = incident.channel
FROM incidents_incident AS incident
WHERE incident.id = incident_id AND compensations_compensation.channel = ''
"""

# An approval is asked for by whoever requested the compensation, so that the check against its
# decider cannot be walked around with another name.
REQUESTER = """
CREATE FUNCTION guard_approval_requester() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.requested_by_id IS DISTINCT FROM (
        SELECT granted_by_id FROM compensations_compensation WHERE id = NEW.compensation_id)
    THEN
        RAISE EXCEPTION 'an approval is asked for by who requested the compensation'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER compensations_approval_requester
    BEFORE INSERT ON compensations_approval
    FOR EACH ROW EXECUTE FUNCTION guard_approval_requester();
"""
DROP_REQUESTER = """
DROP TRIGGER compensations_approval_requester ON compensations_approval;
DROP FUNCTION guard_approval_requester();
"""

# What was requested is issued only with a second person's yes, and with none still to come.
APPROVED = """
CREATE FUNCTION guard_request_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM compensations_approval
        WHERE compensation_id = NEW.id AND state = 'approved'
    ) OR EXISTS (
        SELECT 1 FROM compensations_approval
        WHERE compensation_id = NEW.id AND state <> 'approved'
    ) THEN
        RAISE EXCEPTION 'a request is issued only when it was approved'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER compensations_compensation_approved
    AFTER UPDATE OF state ON compensations_compensation
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.state = 'requested' AND NEW.state = 'issued')
    EXECUTE FUNCTION guard_request_approved();
"""
DROP_APPROVED = """
DROP TRIGGER compensations_compensation_approved ON compensations_compensation;
DROP FUNCTION guard_request_approved();
"""


class Migration(migrations.Migration):
    dependencies = [("compensations", "0003_requests_and_reviews")]

    operations = [
        migrations.RunSQL(CHANNELS, migrations.RunSQL.noop),
        migrations.RunSQL(REQUESTER, DROP_REQUESTER),
        migrations.RunSQL(APPROVED, DROP_APPROVED),
        migrations.RunSQL(
            "DROP TRIGGER compensations_approval_frozen ON compensations_approval",
            migrations.RunSQL.noop,
        ),
        frozen_guard(
            "compensations_approval",
            [
                "content",
                "content_hash",
                "compensation_id",
                "market_id",
                "level",
                "reason",
                "requested_by_id",
            ],
        ),
    ]
