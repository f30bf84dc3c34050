"""Database guards used by migrations: transition triggers, frozen columns, append-only tables.

The functions are created once by the first migration of `audit`, the lowest app with tables, and
attached by each app to its own. A guard holds for every door, a database shell included.
"""

from collections.abc import Sequence

from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation

FUNCTIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE FUNCTION fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT lower(public.unaccent('public.unaccent', value)) $$;

CREATE FUNCTION guard_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    arrow text;
BEGIN
    IF OLD.state = NEW.state THEN
        RETURN NEW;
    END IF;
    arrow := OLD.state || '>' || NEW.state;
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        IF TG_ARGV[i] = arrow THEN
            RETURN NEW;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'transition % is not drawn for %', arrow, TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION guard_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        IF to_jsonb(OLD) -> TG_ARGV[i] IS DISTINCT FROM to_jsonb(NEW) -> TG_ARGV[i] THEN
            RAISE EXCEPTION '%.% never changes', TG_TABLE_NAME, TG_ARGV[i]
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

CREATE FUNCTION guard_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION guard_append_only();
DROP FUNCTION guard_frozen();
DROP FUNCTION guard_transition();
DROP FUNCTION fold(text);
"""


def _words(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def patiently(*builds: Operation) -> list[Operation]:
    """Indexes that are built beside everything else, which wait for whatever runs now.

    Nobody waits behind such a build; one that was given up would leave an index that is not valid.
    """
    return [
        RunSQL("SET lock_timeout = 0", RunSQL.noop),
        *builds,
        RunSQL("RESET lock_timeout", RunSQL.noop),
    ]


def transition_guard(table: str, pairs: Sequence[str]) -> RunSQL:
    """Refuses any change of `state` in `table` that is not one of the `source>target` pairs."""
    return RunSQL(
        f"CREATE TRIGGER {table}_transition BEFORE UPDATE OF state ON {table} "
        f"FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) "
        f"EXECUTE FUNCTION guard_transition({_words(pairs)})",
        f"DROP TRIGGER {table}_transition ON {table}",
    )


def transition_always(table: str, pairs: Sequence[str], *, moment: str = "BEFORE") -> RunSQL:
    """The guard of `transition_guard`, at this moment, without a condition on its trigger.

    The function asks the same, and is read once; a condition is read anew for every statement.
    """

    def drawn(condition: str) -> str:
        return (
            f"DROP TRIGGER {table}_transition ON {table};"
            f"CREATE TRIGGER {table}_transition {moment} UPDATE OF state ON {table} "
            f"FOR EACH ROW {condition} EXECUTE FUNCTION guard_transition({_words(pairs)})"
        )

    return RunSQL(drawn(""), drawn("WHEN (OLD.state IS DISTINCT FROM NEW.state)"))


def frozen_guard(table: str, columns: Sequence[str]) -> RunSQL:
    """Refuses any change of the named columns of `table` after insertion."""
    return RunSQL(
        f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OF {_names(columns)} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION guard_frozen({_words(columns)})",
        f"DROP TRIGGER {table}_frozen ON {table}",
    )


def frozen_anew(table: str, columns: Sequence[str], before: Sequence[str]) -> RunSQL:
    """Freezes these columns of `table` instead of those `before`, with no moment between them."""
    new, old = frozen_guard(table, columns), frozen_guard(table, before)
    return RunSQL(f"{old.reverse_sql}; {new.sql}", f"{new.reverse_sql}; {old.sql}")


def kept_guard(table: str, function: str) -> RunSQL:
    """Keeps every row of `table`, with its key; `function` refuses, a trigger function."""
    return RunSQL(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE OR UPDATE OF id ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()",
        f"DROP TRIGGER {table}_kept ON {table}",
    )


def append_only_guard(table: str) -> RunSQL:
    """Refuses UPDATE, DELETE and TRUNCATE on `table`, whoever asks."""
    return RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION guard_append_only();"
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only()",
        f"DROP TRIGGER {table}_append_only ON {table};DROP TRIGGER {table}_no_truncate ON {table}",
    )
