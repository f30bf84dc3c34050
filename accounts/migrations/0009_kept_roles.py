from django.db import migrations

# A role that somebody held is history: who, where, which and since when never change, and one that
# ended stays ended. Holding it again is a row of its own, with its own record in the trail.
KEPT = """
CREATE TRIGGER accounts_rolegrant_frozen
    BEFORE UPDATE OF staff_id, market_id, role, granted_at, granted_by_id ON accounts_rolegrant
    FOR EACH ROW
    EXECUTE FUNCTION guard_frozen('staff_id', 'market_id', 'role', 'granted_at', 'granted_by_id');
CREATE TRIGGER accounts_rolegrant_ended
    BEFORE UPDATE OF ended_at, ended_by_id ON accounts_rolegrant
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL)
    EXECUTE FUNCTION guard_frozen('ended_at', 'ended_by_id');
"""
UNKEPT = """
DROP TRIGGER accounts_rolegrant_ended ON accounts_rolegrant;
DROP TRIGGER accounts_rolegrant_frozen ON accounts_rolegrant;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_mailbox"), ("audit", "0001_initial")]

    operations = [migrations.RunSQL(KEPT, UNKEPT)]
