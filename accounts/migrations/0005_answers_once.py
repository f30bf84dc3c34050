from django.db import migrations

# Says nothing for a key that nobody used and nobody is using, so that it can go along with the act
# itself. Refusals have codes of their own, which no rule of an act is mistaken for. The answer is
# looked for by a statement of its own, which sees what was committed before the lock was had; the
# setting keeps a plan that was made while few were stored from being used when there are many.
ONCE = """
CREATE FUNCTION guard_once(number bigint, asking text, sent text) RETURNS void
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(number) THEN
        RAISE EXCEPTION 'the first request with this key is still running' USING ERRCODE = 'RC001';
    END IF;
    IF EXISTS (
        SELECT FROM accounts_idempotentanswer AS answer
        WHERE answer.caller = asking AND answer.key = sent
    ) THEN
        RAISE EXCEPTION 'this key has an answer' USING ERRCODE = 'RC002';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_sorted_names")]

    operations = [migrations.RunSQL(ONCE, "DROP FUNCTION guard_once(bigint, text, text)")]
