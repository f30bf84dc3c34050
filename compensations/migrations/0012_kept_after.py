from django.db import migrations


def _kept(when: str) -> str:
    return f"""
DROP TRIGGER incidents_incident_kept ON incidents_incident;
CREATE TRIGGER incidents_incident_kept
    {when} DELETE OR UPDATE OF id ON incidents_incident
    FOR EACH ROW EXECUTE FUNCTION guard_kept();
"""


class Migration(migrations.Migration):
    """As the other guards of a case: see `incidents` 0006."""

    dependencies = [("compensations", "0011_references"), ("incidents", "0006_guards_after")]

    operations = [migrations.RunSQL(_kept("AFTER"), _kept("BEFORE"))]
