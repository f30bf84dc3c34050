from django.db import migrations

from common.sql import kept_guard

# What every case and every grant refers to stays, with its key: who refers to it looks without a
# lock. A place or a team that is not used any more is switched off.
TABLES = (
    "accounts_apiclient",
    "accounts_location",
    "accounts_market",
    "accounts_staff",
    "accounts_team",
)
KEPT = """
CREATE FUNCTION guard_referred() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is kept, with its key', TG_TABLE_NAME
        USING ERRCODE = 'foreign_key_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_kept_roles")]

    operations = [
        migrations.RunSQL(KEPT, "DROP FUNCTION guard_referred()"),
        *(kept_guard(table, "guard_referred") for table in TABLES),
    ]
