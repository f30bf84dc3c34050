import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from common.sql import frozen_anew

FROZEN_BEFORE = [
    "market_id",
    "scope",
    "window",
    "measure",
    "cap",
    "for_staff_id",
    "for_team_id",
    "for_role",
    "for_segment",
    "proposed_by_id",
]

FIRST = """
UPDATE compensations_issuancelimit bound SET counts_in_id = (
    SELECT min(id) FROM compensations_issuancelimit first
    WHERE (first.market_id, first.scope, first."window", first.measure)
        = (bound.market_id, bound.scope, bound."window", bound.measure));
"""
# Two people who propose the first limit of a kind in one moment find one of them.
KIND = """
CREATE FUNCTION first_limit_of_kind(bound compensations_issuancelimit) RETURNS bigint
LANGUAGE sql AS $$
    SELECT id FROM compensations_issuancelimit
    WHERE (market_id, scope, "window", measure)
        = (bound.market_id, bound.scope, bound."window", bound.measure) AND counts_in_id = id
$$;
CREATE FUNCTION guard_limit_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.counts_in_id := first_limit_of_kind(NEW);
    IF NEW.counts_in_id IS NULL THEN
        PERFORM pg_advisory_xact_lock(5003, NEW.market_id::int);
        NEW.counts_in_id := COALESCE(first_limit_of_kind(NEW), NEW.id);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER compensations_issuancelimit_kind BEFORE INSERT ON compensations_issuancelimit
    FOR EACH ROW EXECUTE FUNCTION guard_limit_kind();
"""
DROP_KIND = """
DROP TRIGGER compensations_issuancelimit_kind ON compensations_issuancelimit;
DROP FUNCTION guard_limit_kind();
DROP FUNCTION first_limit_of_kind(compensations_issuancelimit);
"""
# Uses by what they count in, then the counters of all limits of a kind as one.
COUNTERS = """
CREATE TABLE compensations_uses_before AS
    SELECT uses.compensation_id, bound.scope, bound.counts_in_id AS limit_id, counter.subject,
        counter.starts_on, uses.quantity, uses.released_at
    FROM compensations_limituse uses
    JOIN compensations_limitcounter counter ON counter.id = uses.counter_id
    JOIN compensations_issuancelimit bound ON bound.id = counter.limit_id;
DROP TRIGGER compensations_limituse_refers_update ON compensations_limituse;
DROP TRIGGER compensations_limituse_refers_insert ON compensations_limituse;
DROP FUNCTION guard_limit_uses();
TRUNCATE compensations_limituse;
ALTER TABLE compensations_limitcounter DISABLE TRIGGER USER;
WITH others AS (
    DELETE FROM compensations_limitcounter counter USING compensations_issuancelimit bound
    WHERE bound.id = counter.limit_id AND bound.counts_in_id <> bound.id
    RETURNING bound.counts_in_id, counter.subject, counter.starts_on, counter.used
)
INSERT INTO compensations_limitcounter AS counter (limit_id, subject, starts_on, used)
    SELECT counts_in_id, subject, starts_on, sum(used) FROM others GROUP BY 1, 2, 3
    ON CONFLICT (limit_id, subject, starts_on) DO UPDATE SET used = counter.used + excluded.used;
ALTER TABLE compensations_limitcounter ENABLE TRIGGER USER;
"""
USES = """
INSERT INTO compensations_limituse
        (compensation_id, limits, subjects, starts_on, quantities, released_at)
    SELECT compensation_id, array_agg(limit_id ORDER BY place), array_agg(subject ORDER BY place),
        array_agg(starts_on ORDER BY place), array_agg(quantity ORDER BY place), max(released_at)
    FROM (
        SELECT *, row_number() OVER (ORDER BY array_position(
            ARRAY['incident', 'customer', 'agent', 'team', 'role', 'market'], scope::text
        ), limit_id, subject) AS place
        FROM compensations_uses_before
    ) AS before
    GROUP BY compensation_id, released_at IS NULL;
DROP TABLE compensations_uses_before;
CREATE FUNCTION guard_limit_use() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF (SELECT TRUE FROM compensations_compensation WHERE id = NEW.compensation_id) IS NULL
        OR cardinality(NEW.limits) <> cardinality(NEW.subjects)
        OR cardinality(NEW.limits) <> cardinality(NEW.starts_on)
        OR cardinality(NEW.limits) <> cardinality(NEW.quantities)
        OR cardinality(NEW.limits) <> (
            SELECT count(*) FROM compensations_issuancelimit
            WHERE id = ANY (NEW.limits) AND counts_in_id = id)
    THEN
        RAISE EXCEPTION 'a use is of a compensation and of the first limits of some kinds'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER compensations_limituse_refers
    AFTER INSERT OR UPDATE OF compensation_id, limits, subjects, starts_on, quantities
    ON compensations_limituse FOR EACH ROW EXECUTE FUNCTION guard_limit_use();
"""


def _list_of(name: str, each: "models.Field[object, object]") -> migrations.AddField:
    return migrations.AddField(
        "limituse",
        name,
        django.contrib.postgres.fields.ArrayField(each, default=list),
        preserve_default=False,
    )


class Migration(migrations.Migration):
    dependencies = [("compensations", "0022_conditions_inside")]

    operations = [
        migrations.AddField(
            "issuancelimit",
            "counts_in",
            models.ForeignKey(
                "compensations.issuancelimit",
                null=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
            ),
        ),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        migrations.AlterField(
            "issuancelimit",
            "counts_in",
            models.ForeignKey(
                "compensations.issuancelimit",
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
            ),
        ),
        migrations.AddConstraint(
            "issuancelimit",
            models.UniqueConstraint(
                fields=["market", "scope", "window", "measure"],
                condition=models.Q(counts_in=models.F("id")),
                name="limit_one_first_of_its_kind",
            ),
        ),
        migrations.RunSQL(KIND, DROP_KIND),
        frozen_anew(
            "compensations_issuancelimit", [*FROZEN_BEFORE, "counts_in_id"], FROZEN_BEFORE
        ),
        migrations.RunSQL(COUNTERS),
        migrations.RemoveConstraint("limituse", "limit_use_once"),
        migrations.RemoveField("limituse", "counter"),
        migrations.RemoveField("limituse", "quantity"),
        _list_of("limits", models.BigIntegerField()),
        _list_of("subjects", models.CharField(max_length=40)),
        _list_of("starts_on", models.DateField()),
        _list_of("quantities", models.BigIntegerField()),
        migrations.AlterField(
            "limituse",
            "compensation",
            models.ForeignKey(
                "compensations.compensation",
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="limit_uses",
            ),
        ),
        migrations.RunSQL(USES),
    ]
