from django.db import migrations

# The last word of the statement that takes room: where one of the limits did not hold, the whole
# transaction is refused by the database, so that its commit can go on the same trip.
ROOM = """
CREATE FUNCTION guard_room(taken bigint, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF taken <> wanted THEN
        RAISE EXCEPTION 'a limit has no room'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'limit_has_room';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("compensations", "0009_approval_decider")]

    operations = [migrations.RunSQL(ROOM, "DROP FUNCTION guard_room(bigint, bigint);")]
