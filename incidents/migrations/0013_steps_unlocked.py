import django.db.models.deletion
from django.db import migrations, models

# A foreign key looked up case and person at the commit of each grant, and locked the person's row.
# Both are kept, with their keys (a case by `compensations`, whose rows refer to it as well).
STEP = """
CREATE FUNCTION guard_step_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM incidents_incident WHERE id = NEW.incident_id)
        OR NEW.done_by_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM accounts_staff WHERE id = NEW.done_by_id)
    THEN
        RAISE EXCEPTION 'a step is of a case, done by somebody who is known'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER incidents_recoverystep_refers
    AFTER INSERT OR UPDATE OF incident_id, done_by_id ON incidents_recoverystep
    FOR EACH ROW EXECUTE FUNCTION guard_step_refers();
"""
DROP_STEP = """
DROP TRIGGER incidents_recoverystep_refers ON incidents_recoverystep;
DROP FUNCTION guard_step_refers();
"""


def _held_by_trigger(
    name: str, related: str, to: str, also: dict[str, bool]
) -> migrations.AlterField:
    key = models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related,
        to=to,
        **also,
    )
    return migrations.AlterField("recoverystep", name, key)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_kept"), ("incidents", "0012_stage_pages")]

    operations = [
        migrations.RunSQL(STEP, DROP_STEP),
        _held_by_trigger("incident", "steps", "incidents.incident", {}),
        _held_by_trigger("done_by", "+", "accounts.staff", {"null": True}),
    ]
