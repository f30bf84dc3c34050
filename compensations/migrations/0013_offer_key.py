from django.db import migrations, models

# Whoever does not say what the offer is, as the version that still runs while this one comes and
# whoever loads rows in bulk, has it filled in from the offer; a grant says it and pays nothing.
FILLED = """
CREATE FUNCTION fill_offer_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT kind || ':' || name_es INTO NEW.offer_key
    FROM compensations_offer WHERE id = NEW.offer_id;
    NEW.offer_key := COALESCE(NEW.offer_key, '');
    RETURN NEW;
END $$;
CREATE TRIGGER compensations_compensation_offer_key BEFORE INSERT ON compensations_compensation
    FOR EACH ROW WHEN (NEW.offer_key = '') EXECUTE FUNCTION fill_offer_key();
"""
DROP_FILLED = """
DROP TRIGGER compensations_compensation_offer_key ON compensations_compensation;
DROP FUNCTION fill_offer_key();
"""


def _refers(of_offer: str, of_saved: str) -> str:
    """The statement trigger of 0011, with what else is compared with the offer."""
    return f"""
CREATE OR REPLACE FUNCTION guard_compensation_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM saved
        WHERE (
            SELECT (market_id, customer_id, currency)
                = (saved.market_id, saved.customer_id, saved.currency)
            FROM incidents_incident WHERE id = saved.incident_id
        ) IS NOT TRUE OR (
            SELECT (rule.id, version.id, version.market_id{of_offer})
                = (saved.rule_id, saved.version_id, saved.market_id{of_saved})
                AND version.state IN ('live', 'retired')
            FROM compensations_offer AS offer
            JOIN compensations_scalerule AS rule ON rule.id = offer.rule_id
            JOIN compensations_scaleversion AS version ON version.id = rule.version_id
            WHERE offer.id = saved.offer_id
        ) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'a compensation is of an incident and of a published offer of its market'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("compensations", "0012_kept_after")]

    operations = [
        migrations.AddField(
            model_name="compensation",
            name="offer_key",
            field=models.CharField(db_default="", max_length=120),
        ),
        migrations.RunSQL(FILLED, DROP_FILLED),
        migrations.RunSQL(
            _refers(", offer.kind || ':' || offer.name_es", ", saved.offer_key"), _refers("", "")
        ),
    ]
