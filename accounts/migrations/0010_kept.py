from django.db import migrations

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


def _kept(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE OR UPDATE OF id ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION guard_referred()",
        f"DROP TRIGGER {table}_kept ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_kept_roles")]

    operations = [
        migrations.RunSQL(KEPT, "DROP FUNCTION guard_referred()"),
        *map(_kept, TABLES),
    ]
