from django.db import migrations

# The condition is the function's: in the trigger it was read and planned anew for every statement,
# the function that it calls included.
INSIDE = """
CREATE OR REPLACE FUNCTION guard_audit_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.txid IS DISTINCT FROM audit_transaction(pg_current_xact_id()) THEN
        RAISE EXCEPTION '% is given its transaction by the database', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER audit_auditevent_txid ON audit_auditevent;
CREATE TRIGGER audit_auditevent_txid BEFORE INSERT ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION guard_audit_transaction()
"""
IN_THE_TRIGGER = """
DROP TRIGGER audit_auditevent_txid ON audit_auditevent;
CREATE OR REPLACE FUNCTION guard_audit_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is given its transaction by the database', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_auditevent_txid BEFORE INSERT ON audit_auditevent
    FOR EACH ROW WHEN (NEW.txid IS DISTINCT FROM audit_transaction(pg_current_xact_id()))
    EXECUTE FUNCTION guard_audit_transaction()
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_time")]

    operations = [migrations.RunSQL(INSIDE, IN_THE_TRIGGER)]
