"""The customer of a case may change once: from the placeholder of an import to a person."""

from django.db import migrations

FROZEN = """
DROP TRIGGER incidents_incident_frozen ON incidents_incident;
CREATE TRIGGER incidents_incident_frozen AFTER UPDATE OF {columns} ON incidents_incident
    FOR EACH ROW EXECUTE FUNCTION guard_frozen({words});
"""
NAMED_LATER = (
    FROZEN.format(
        columns="currency, market_id, folio", words="'currency', 'market_id', 'folio'"
    )
    + """
CREATE FUNCTION guard_incident_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM incidents_customer nobody, incidents_customer person
        WHERE nobody.id = OLD.customer_id AND starts_with(nobody.external_ref, '~')
            AND person.id = NEW.customer_id AND NOT starts_with(person.external_ref, '~')
            AND person.market_id = NEW.market_id
    ) THEN
        RAISE EXCEPTION 'incidents_incident.customer_id never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER incidents_incident_customer AFTER UPDATE OF customer_id ON incidents_incident
    FOR EACH ROW WHEN (OLD.customer_id IS DISTINCT FROM NEW.customer_id)
    EXECUTE FUNCTION guard_incident_customer();
"""
)
NEVER = (
    """
DROP TRIGGER incidents_incident_customer ON incidents_incident;
DROP FUNCTION guard_incident_customer();
"""
    + FROZEN.format(
        columns="currency, market_id, folio, customer_id",
        words="'currency', 'market_id', 'folio', 'customer_id'",
    )
)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0009_imported_page")]

    operations = [migrations.RunSQL(NAMED_LATER, NEVER)]
