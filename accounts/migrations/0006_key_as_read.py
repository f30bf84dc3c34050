from django.db import migrations

# Says nothing for a client's key whose rows are those that were read earlier, so that it can go
# along with an act. Where a row lies and which transaction wrote it tells its states apart: what a
# query shows as `ctid` and `xmin` never comes back for a row that was changed.
AS_READ = """
CREATE FUNCTION guard_key(sent bytea, state text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM accounts_apiclient AS client
        JOIN accounts_market AS market ON market.id = client.market_id
        WHERE client.key_hash = sent AND client.revoked_at IS NULL
          AND client.expires_at > statement_timestamp() AND market.is_active
          AND ROW(client.ctid, client.xmin, market.ctid, market.xmin)::text = state
    ) THEN
        RAISE EXCEPTION 'this key is not what it was' USING ERRCODE = 'RC003';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_answers_once")]

    operations = [migrations.RunSQL(AS_READ, "DROP FUNCTION guard_key(bytea, text)")]
