import django.contrib.postgres.indexes
from django.db import migrations, models

# Only words of letters: what a number says of a person has no place in a dictionary. Most words are
# known, so most incidents insert none; sorted, so that two writers wait for each other in one order.
KEEP = """
CREATE FUNCTION keep_narrative_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO incidents_narrativeword (word)
    SELECT DISTINCT part.lexeme
    FROM saved, unnest(saved.narrative_search) AS part(lexeme, positions, weights)
    WHERE part.lexeme ~ '^[[:alpha:]]{4,25}$'
      AND NOT EXISTS (SELECT FROM incidents_narrativeword AS known WHERE known.word = part.lexeme)
    ORDER BY part.lexeme
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_changed_narrative_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO incidents_narrativeword (word)
    SELECT part.lexeme
    FROM unnest(NEW.narrative_search) AS part(lexeme, positions, weights)
    WHERE part.lexeme ~ '^[[:alpha:]]{4,25}$'
      AND NOT EXISTS (SELECT FROM incidents_narrativeword AS known WHERE known.word = part.lexeme)
    ORDER BY part.lexeme
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
INSERT INTO incidents_narrativeword (word)
SELECT DISTINCT part.lexeme
FROM incidents_incident, unnest(narrative_search) AS part(lexeme, positions, weights)
WHERE part.lexeme ~ '^[[:alpha:]]{4,25}$';
CREATE TRIGGER incidents_incident_words_insert AFTER INSERT ON incidents_incident
    REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION keep_narrative_words();
CREATE TRIGGER incidents_incident_words_update AFTER UPDATE OF narrative ON incidents_incident
    FOR EACH ROW WHEN (OLD.narrative IS DISTINCT FROM NEW.narrative)
    EXECUTE FUNCTION keep_changed_narrative_words();
"""
DROP = """
DROP TRIGGER incidents_incident_words_insert ON incidents_incident;
DROP TRIGGER incidents_incident_words_update ON incidents_incident;
DROP FUNCTION keep_narrative_words();
DROP FUNCTION keep_changed_narrative_words();
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="NarrativeWord",
            fields=[("word", models.TextField(primary_key=True, serialize=False))],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["word"], name="narrative_word_trgm", opclasses=["gin_trgm_ops"]
                    )
                ],
            },
        ),
        migrations.RunSQL(KEEP, DROP),
    ]
