from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import common.contacts

# What an address is without the part that its owner may choose freely: a sub-address after `+`,
# and the dots that Gmail does not read. For addresses in lower case; anything else is itself. Its
# cost leads every look-up to the index: worked out for each of fifty people it took longer than a
# grant's other reads together.
MAILBOX = r"""
CREATE OR REPLACE FUNCTION mailbox(address text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    IF address ~ '@(gmail|googlemail)\.com$' THEN
        RETURN replace(split_part(split_part(address, '@', 1), '+', 1), '.', '') || '@gmail.com';
    END IF;
    RETURN regexp_replace(address, '^([^+@]+)\+[^@]*@', '\1@');
END $$;
"""


class Migration(migrations.Migration):
    # The index is built without keeping anybody from signing in, which no transaction can.
    atomic = False

    dependencies = [("accounts", "0007_code_failures")]

    operations = [
        migrations.RunSQL(MAILBOX, "DROP FUNCTION mailbox(text)"),
        AddIndexConcurrently(
            model_name="staff",
            index=models.Index(common.contacts.Mailbox("email"), name="staff_mailbox"),
        ),
    ]
