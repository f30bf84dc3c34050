"""Gives the running role its rights. Run as the owner after every migration; safe to run again."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from audit.lineage import continue_after_restore

# Rows of these tables are inserted and read, never changed: the trail and the money.
APPEND_ONLY = (
    "audit_auditevent",
    "audit_seal",
    "compensations_ledgerentry",
    "reporting_reportcomment",
    "reporting_reportsignature",
)


# Kept by a trigger with the owner's rights; the running role only reads it.
READ_ONLY = ("audit_sealhead",)


class Command(BaseCommand):
    help = "Grants the running database role what it needs and no more."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        role = settings.RUNNING_ROLE
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if not cursor.fetchone():
                raise CommandError(f"There is no database role {role}: create it first.")
            cursor.execute("SELECT current_user = %s", [role])
            if cursor.fetchone() == (True,):
                raise CommandError(f"Run this as the owner, not as {role}.")
            quoted = connection.ops.quote_name(role)
            for statement in (
                "GRANT USAGE ON SCHEMA public TO {role}",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
                "REVOKE ALL ON django_migrations FROM {role}",
                "GRANT SELECT ON django_migrations TO {role}",
            ):
                cursor.execute(statement.format(role=quoted))
            for table in APPEND_ONLY:
                cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}")
            for table in READ_ONLY:
                cursor.execute(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}")
        continue_after_restore()
        self.stdout.write(f"{role} may read and write, and only add to {', '.join(APPEND_ONLY)}.")
