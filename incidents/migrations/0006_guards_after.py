"""The guards of a case look at it after the change.

PostgreSQL makes a row's generated columns anew on every update where a trigger may still change the
row: the words of each narrative, with every change of a state. And what an id says of its moment
was worked out again each time.
"""

from django.db import migrations

COLUMNS = ("currency", "market_id", "folio", "customer_id")
ARROWS = (
    "closed>in_recovery",
    "in_recovery>resolved",
    "open>in_recovery",
    "open>resolved",
    "resolved>closed",
    "resolved>in_recovery",
)


def _guards(when: str) -> str:
    arrows = ", ".join(f"'{arrow}'" for arrow in ARROWS)
    frozen = ", ".join(f"'{column}'" for column in COLUMNS)
    return f"""
DROP TRIGGER incidents_incident_transition ON incidents_incident;
DROP TRIGGER incidents_incident_frozen ON incidents_incident;
CREATE TRIGGER incidents_incident_transition {when} UPDATE OF state ON incidents_incident
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION guard_transition({arrows});
CREATE TRIGGER incidents_incident_frozen {when} UPDATE OF {", ".join(COLUMNS)}
    ON incidents_incident FOR EACH ROW EXECUTE FUNCTION guard_frozen({frozen});
"""


TELLS_WHEN = """
    abs(
        ('x' || substr({row}id::text, 1, 8) || substr({row}id::text, 10, 4))::bit(48)::bigint
        - extract(epoch FROM {row}logged_at) * 1000
    ) < 86400000
"""
AT_INSERTION = f"""
CREATE FUNCTION guard_incident_moment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ({TELLS_WHEN.format(row="NEW.")}) THEN
        RAISE EXCEPTION 'the id of a case tells when it was logged'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'incident_id_tells_when';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER incidents_incident_moment
    AFTER INSERT OR UPDATE OF id, logged_at ON incidents_incident
    FOR EACH ROW EXECUTE FUNCTION guard_incident_moment();
ALTER TABLE incidents_incident DROP CONSTRAINT incident_id_tells_when;
"""
ALWAYS = f"""
ALTER TABLE incidents_incident
    ADD CONSTRAINT incident_id_tells_when CHECK ({TELLS_WHEN.format(row="")});
DROP TRIGGER incidents_incident_moment ON incidents_incident;
DROP FUNCTION guard_incident_moment();
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_states_by_market"), ("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(AT_INSERTION, ALWAYS),
        migrations.RunSQL(_guards("AFTER"), _guards("BEFORE")),
    ]
