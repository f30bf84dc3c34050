from django.db import migrations, models

# Says nothing for origins that still have room, so that it can go along with an act. The setting
# keeps a plan that was made while the table was empty from being used when it is not.
GUESSING = """
CREATE FUNCTION guard_guessing(origins bytea[]) RETURNS void
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    stopped record;
BEGIN
    SELECT scope, ceil(extract(epoch FROM until - statement_timestamp()))::integer AS seconds
    INTO stopped
    FROM accounts_codefailures
    WHERE key = ANY(origins) AND failures >= allowed AND until > statement_timestamp()
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'too many codes did not work'
            USING ERRCODE = 'RC004', DETAIL = stopped.scope || ' ' || stopped.seconds;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_key_as_read")]

    operations = [
        migrations.CreateModel(
            name="CodeFailures",
            fields=[
                (
                    "key",
                    models.BinaryField(max_length=32, primary_key=True, serialize=False),
                ),
                ("scope", models.CharField(max_length=10)),
                ("failures", models.PositiveIntegerField()),
                ("allowed", models.PositiveIntegerField()),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(GUESSING, "DROP FUNCTION guard_guessing(bytea[])"),
    ]
