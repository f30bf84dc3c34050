"""Going on after a restore: transaction numbers of the trail rise for ever, servers' do not.

A dump restored into a new server meets one that counts transactions from the beginning. Rows
written there would stand before rows that were sealed long ago, and look inserted. So the base
that `audit_transaction` adds is raised once, before anybody writes.
"""

from django.db import connection, transaction

_CREATE = """
CREATE OR REPLACE FUNCTION audit_transaction(xid8) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT $1::text::bigint + {base} $$
"""


@transaction.atomic
def continue_after_restore() -> bool:
    """Raises the base where this server is behind the last seal; whether it had to.

    Only the owner may. A row's own number never raises it: whoever forged one would be believed.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE audit_auditevent, audit_seal IN SHARE MODE")
        cursor.execute(
            "SELECT coalesce(max(until_txid), 0), audit_transaction(pg_current_xact_id()), "
            "pg_current_xact_id()::text::bigint FROM audit_seal"
        )
        sealed, now, own = cursor.fetchone()
        if now >= sealed:
            return False
        # The newest rows of the dump may be unsealed: beyond the last seal, and honest.
        cursor.execute("SELECT greatest(max(txid), %s) FROM audit_auditevent", [sealed])
        (newest,) = cursor.fetchone()
        # Numbers only, read from the database.
        cursor.execute(_CREATE.format(base=int(newest) - int(own) + 1))
    return True
