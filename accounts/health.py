"""Whether this process can do its work: database, migrations, broker. No rule, no secret."""

from celery import current_app
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError as BrokerError

_migrated = False


def database() -> bool:
    """The database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except (DatabaseError, InterfaceError):
        return False


def migrations() -> bool:
    """Every migration of the code is applied; asked until it is true once."""
    global _migrated
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except (DatabaseError, InterfaceError):
            return False
    return _migrated


def broker() -> bool:
    """The broker takes a connection and answers, each within a second."""
    within = {"socket_connect_timeout": 1, "socket_timeout": 1, "max_retries": 0}
    try:
        with current_app.connection_for_write(transport_options=within) as link:
            link.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=1)
            return True
    except (BrokerError, OSError):
        return False


def checks() -> dict[str, bool]:
    """Each check by name."""
    return {"database": database(), "migrations": migrations(), "broker": broker()}
