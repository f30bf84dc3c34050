from django.db import migrations

from common.sql import frozen_guard, transition_guard

# One sequence for each market and year, made by the owner's right on its first use: numbering
# never makes two agents wait for each other, and a gap after a rollback is allowed.
FOLIO = """
CREATE FUNCTION next_folio(market_code text, year integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sequence_name text := 'folio_' || replace(lower(market_code), '-', '_') || '_' || year;
BEGIN
    IF market_code !~ '^[A-Z0-9][A-Z0-9-]{0,11}$' OR year NOT BETWEEN 2000 AND 2999 THEN
        RAISE EXCEPTION 'no folio for % %', market_code, year USING ERRCODE = 'check_violation';
    END IF;
    IF to_regclass(sequence_name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext(sequence_name));
        EXECUTE format('CREATE SEQUENCE IF NOT EXISTS %I', sequence_name);
    END IF;
    RETURN nextval(sequence_name::regclass);
END $$;
"""


# The words of names, kept whatever door a customer comes through; sorted, so that two writers of the
# same new words wait for each other in one order.
NAME_WORDS = """
CREATE FUNCTION keep_name_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO incidents_nameword (word)
    SELECT DISTINCT part.word
    FROM saved, regexp_split_to_table(saved.name_search, '[^[:alnum:]]+') AS part(word)
    WHERE length(part.word) BETWEEN 3 AND 40
    ORDER BY part.word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER incidents_customer_words_insert AFTER INSERT ON incidents_customer
    REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION keep_name_words();
CREATE TRIGGER incidents_customer_words_update AFTER UPDATE ON incidents_customer
    REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION keep_name_words();
"""
NO_NAME_WORDS = """
DROP TRIGGER incidents_customer_words_insert ON incidents_customer;
DROP TRIGGER incidents_customer_words_update ON incidents_customer;
DROP FUNCTION keep_name_words();
"""


# Lists go by id and are narrowed by date: an id whose moment is far from its row's would be left out.
ID_TELLS_WHEN = """
ALTER TABLE incidents_incident ADD CONSTRAINT incident_id_tells_when CHECK (
    abs(
        ('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint
        - extract(epoch FROM logged_at) * 1000
    ) < 86400000
)
"""
ID_MAY_TELL_NOTHING = "ALTER TABLE incidents_incident DROP CONSTRAINT incident_id_tells_when"


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [
        migrations.RunSQL(NAME_WORDS, NO_NAME_WORDS),
        migrations.RunSQL(ID_TELLS_WHEN, ID_MAY_TELL_NOTHING),
        migrations.RunSQL(FOLIO, "DROP FUNCTION next_folio(text, integer)"),
        transition_guard(
            "incidents_incident",
            [
                "closed>in_recovery",
                "in_recovery>resolved",
                "open>in_recovery",
                "open>resolved",
                "resolved>closed",
                "resolved>in_recovery",
            ],
        ),
        frozen_guard("incidents_incident", ["currency", "market_id", "folio", "customer_id"]),
        transition_guard(
            "incidents_promise", ["due>broken", "due>cancelled", "due>kept"]
        ),
    ]
