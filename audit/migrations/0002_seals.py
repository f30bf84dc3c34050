"""Seals over the trail, and the number of the transaction that wrote each row.

`audit_transaction` adds a base to the server's own transaction number, so that the numbers go on
rising when the database is restored into a server that counts from the beginning (`lineage.py`
raises the base then).
"""

from django.db import migrations, models

import audit.functions
from common.sql import append_only_guard

TRANSACTION = """
CREATE FUNCTION audit_transaction(xid8) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT $1::text::bigint + 0 $$
"""

# A constant first, which touches no row that is there: those were written before any seal.
COLUMN = """
ALTER TABLE audit_auditevent ADD COLUMN txid bigint NOT NULL DEFAULT 0;
ALTER TABLE audit_auditevent
    ALTER COLUMN txid SET DEFAULT audit_transaction(pg_current_xact_id());
CREATE FUNCTION guard_audit_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is given its transaction by the database', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_auditevent_txid BEFORE INSERT ON audit_auditevent
    FOR EACH ROW WHEN (NEW.txid IS DISTINCT FROM audit_transaction(pg_current_xact_id()))
    EXECUTE FUNCTION guard_audit_transaction()
"""

DROP_COLUMN = """
DROP TRIGGER audit_auditevent_txid ON audit_auditevent;
DROP FUNCTION guard_audit_transaction();
ALTER TABLE audit_auditevent DROP COLUMN txid
"""

# Runs with the owner's rights: who seals may not write the head by hand.
HEAD = """
CREATE FUNCTION keep_seal_head() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.audit_sealhead (id, number, hash) VALUES (1, NEW.number, NEW.hash)
    ON CONFLICT (id) DO UPDATE SET number = excluded.number, hash = excluded.hash;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_seal_head AFTER INSERT ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION keep_seal_head()
"""

DROP_HEAD = """
DROP TRIGGER audit_seal_head ON audit_seal;
DROP FUNCTION keep_seal_head()
"""


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(TRANSACTION, "DROP FUNCTION audit_transaction(xid8)"),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(COLUMN, DROP_COLUMN)],
            [
                migrations.AddField(
                    model_name="auditevent",
                    name="txid",
                    field=models.BigIntegerField(db_default=audit.functions.WritingTransaction()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("form", models.SmallIntegerField()),
                ("at", models.DateTimeField()),
                ("from_txid", models.BigIntegerField()),
                ("from_id", models.BigIntegerField()),
                ("until_txid", models.BigIntegerField()),
                ("until_id", models.BigIntegerField()),
                ("rows", models.IntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("leaves", models.BinaryField()),
                ("previous", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                ("key_id", models.CharField(max_length=40)),
                ("signature", models.BinaryField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="SealHead",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
            ],
        ),
        append_only_guard("audit_seal"),
        migrations.RunSQL(HEAD, DROP_HEAD),
    ]
