"""Filling large tables fast: their secondary indexes and foreign keys are taken off and put back.

What is put back is what the catalogue said, word for word, so the tables end as the migrations made
them. For throw-away databases alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

_CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'u') AND conparentid = 0
ORDER BY contype DESC, conname
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary
  AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f')
ORDER BY 1
"""
# A foreign key that points at a unique constraint keeps it from being dropped; keys point at
# primary keys here, which stay.


@contextmanager
def without_indexes(tables: Sequence[str]) -> Iterator[list[str]]:
    """Inside, the tables have their primary keys only. Yields what will be executed afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, [list(tables)])
        constraints = cursor.fetchall()
        cursor.execute(_INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        for table, name, _definition in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
    # Unique constraints and indexes first: the check of a foreign key may then use them.
    later = [definition for _name, definition in indexes]
    later += [
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
        for table, name, definition in constraints
    ]
    yield later
    with connection.cursor() as cursor:
        for statement in later:
            cursor.execute(statement)
