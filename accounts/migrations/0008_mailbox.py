from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import common.contacts

# What an address is without the part that its owner may choose freely: a sub-address after `+`,
# and the dots that Gmail does not read. For addresses in lower case; anything else is itself.
MAILBOX = r"""
CREATE OR REPLACE FUNCTION mailbox(address text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN address ~ '@(gmail|googlemail)\.com$'
        THEN replace(split_part(split_part(address, '@', 1), '+', 1), '.', '') || '@gmail.com'
        ELSE regexp_replace(address, '^([^+@]+)\+[^@]*@', '\1@')
    END
$$;
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
