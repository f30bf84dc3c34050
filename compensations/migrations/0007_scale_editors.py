import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models.lookups import IsNull


def _did_not_write(person: str) -> IsNull:
    return IsNull(
        models.Func(
            models.F("editors"),
            models.F(person),
            function="array_position",
            output_field=models.IntegerField(),
        ),
        True,
    )


# What was decided stands: from its approval on nothing of a version changes but its way along the
# arrows and the moment it comes into force, a fact once it is live. Only a draft goes away.
DECIDED = """
CREATE FUNCTION guard_decided_scale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            RAISE EXCEPTION 'only a draft scale can be deleted' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state IN ('scheduled', 'live', 'retired') AND (
        (OLD.based_on_id, OLD.note, OLD.editors, OLD.created_at, OLD.submitted_at, OLD.approved_at,
         OLD.approved_by_id, OLD.needs_second, OLD.second_approved_at, OLD.second_approved_by_id,
         OLD.returned_at, OLD.returned_by_id, OLD.return_reason, OLD.revision)
        IS DISTINCT FROM
        (NEW.based_on_id, NEW.note, NEW.editors, NEW.created_at, NEW.submitted_at, NEW.approved_at,
         NEW.approved_by_id, NEW.needs_second, NEW.second_approved_at, NEW.second_approved_by_id,
         NEW.returned_at, NEW.returned_by_id, NEW.return_reason, NEW.revision)
    ) THEN
        RAISE EXCEPTION 'a decided scale never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.state IN ('live', 'retired') AND OLD.effective_from <> NEW.effective_from)
        OR (OLD.state = 'retired' AND OLD.effective_until <> NEW.effective_until)
    THEN
        RAISE EXCEPTION 'when a scale was in force never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER compensations_scaleversion_decided
    BEFORE UPDATE OR DELETE ON compensations_scaleversion
    FOR EACH ROW EXECUTE FUNCTION guard_decided_scale();
"""
DROP_DECIDED = """
DROP TRIGGER compensations_scaleversion_decided ON compensations_scaleversion;
DROP FUNCTION guard_decided_scale();
"""


class Migration(migrations.Migration):
    dependencies = [("compensations", "0006_closed_ledger_days")]

    operations = [
        migrations.AddField(
            model_name="scaleversion",
            name="editors",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), blank=True, db_default=[], default=list, size=None
            ),
        ),
        migrations.AddConstraint(
            model_name="scaleversion",
            constraint=models.CheckConstraint(
                condition=_did_not_write("approved_by"), name="scale_editor_is_not_approver"
            ),
        ),
        migrations.AddConstraint(
            model_name="scaleversion",
            constraint=models.CheckConstraint(
                condition=_did_not_write("second_approved_by"),
                name="scale_editor_is_not_second_approver",
            ),
        ),
        migrations.RunSQL(DECIDED, DROP_DECIDED),
    ]
