"""Database functions of the trail, as expressions of the ORM."""

from django.db.models import Func


class WritingTransaction(Func):
    """The number of the transaction that writes the row: `audit_transaction` of migration 0002."""

    template = "audit_transaction(pg_current_xact_id())"
