from django.db import migrations, models

from common.sql import frozen_guard

# What these tables refer to is looked at once for each statement, by a trigger, and never goes away.
# Foreign keys looked up and locked each row for each key, the market and the rules with everybody
# else's, 22 times at the commit of one grant; and did not ask whether the keys belong together. The
# setting keeps a plan that was made while the tables were small from being used once they are not.
GIVEN = """
CREATE FUNCTION guard_compensation_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM saved
        WHERE (
            SELECT (market_id, customer_id, currency)
                = (saved.market_id, saved.customer_id, saved.currency)
            FROM incidents_incident WHERE id = saved.incident_id
        ) IS NOT TRUE OR (
            SELECT (rule.id, version.id, version.market_id)
                = (saved.rule_id, saved.version_id, saved.market_id)
                AND version.state IN ('live', 'retired')
            FROM compensations_offer AS offer
            JOIN compensations_scalerule AS rule ON rule.id = offer.rule_id
            JOIN compensations_scaleversion AS version ON version.id = rule.version_id
            WHERE offer.id = saved.offer_id
        ) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'a compensation is of an incident and of a published offer of its market'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER compensations_compensation_refers AFTER INSERT ON compensations_compensation
    REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION guard_compensation_refers();
"""
# What is only looked at when it is inserted never changes after.
FROZEN_BEFORE = [
    "currency",
    "face_minor",
    "customer_id",
    "incident_id",
    "offer_id",
    "version_id",
    "granted_by_id",
    "is_statutory",
]
DROP_GIVEN = """
DROP TRIGGER compensations_compensation_refers ON compensations_compensation;
DROP FUNCTION guard_compensation_refers();
"""
LEDGER = """
CREATE OR REPLACE FUNCTION guard_ledger_balance() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM added GROUP BY transaction, currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger entries do not balance' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM added
        WHERE (
            SELECT (market_id, currency) = (added.market_id, added.currency)
            FROM compensations_compensation WHERE id = added.compensation_id
        ) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'a ledger entry is of a compensation of its market and currency'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
LEDGER_BEFORE = """
CREATE OR REPLACE FUNCTION guard_ledger_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM added GROUP BY transaction, currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger entries do not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
USES = """
CREATE FUNCTION guard_limit_uses() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM saved
        WHERE (SELECT id FROM compensations_compensation WHERE id = compensation_id) IS NULL
            OR (SELECT id FROM compensations_limitcounter WHERE id = counter_id) IS NULL
    ) THEN
        RAISE EXCEPTION 'a use is of a compensation and of a counter'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER compensations_limituse_refers_insert AFTER INSERT ON compensations_limituse
    REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION guard_limit_uses();
CREATE TRIGGER compensations_limituse_refers_update AFTER UPDATE ON compensations_limituse
    REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION guard_limit_uses();
"""
DROP_USES = """
DROP TRIGGER compensations_limituse_refers_update ON compensations_limituse;
DROP TRIGGER compensations_limituse_refers_insert ON compensations_limituse;
DROP FUNCTION guard_limit_uses();
"""
KEPT = """
CREATE FUNCTION guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is kept, with its key', TG_TABLE_NAME
        USING ERRCODE = 'foreign_key_violation';
END $$;
CREATE TRIGGER compensations_compensation_kept
    BEFORE DELETE OR UPDATE OF id ON compensations_compensation
    FOR EACH ROW EXECUTE FUNCTION guard_kept();
CREATE TRIGGER incidents_incident_kept
    BEFORE DELETE OR UPDATE OF id ON incidents_incident
    FOR EACH ROW EXECUTE FUNCTION guard_kept();
CREATE TRIGGER compensations_limitcounter_kept
    BEFORE DELETE OR UPDATE OF id ON compensations_limitcounter
    FOR EACH ROW EXECUTE FUNCTION guard_kept();
"""
DROP_KEPT = """
DROP TRIGGER compensations_limitcounter_kept ON compensations_limitcounter;
DROP TRIGGER incidents_incident_kept ON incidents_incident;
DROP TRIGGER compensations_compensation_kept ON compensations_compensation;
DROP FUNCTION guard_kept();
"""


# Model, field, the name on the other side, what it refers to, and whether it has an index.
KEYS = (
    ("ledgerentry", "market", "+", "accounts.market", False),
    ("ledgerentry", "compensation", "ledger_entries", "compensations.compensation", False),
    ("limituse", "compensation", "limit_uses", "compensations.compensation", False),
    ("limituse", "counter", "uses", "compensations.limitcounter", True),
    ("compensation", "market", "+", "accounts.market", False),
    ("compensation", "incident", "compensations", "incidents.incident", False),
    ("compensation", "customer", "compensations", "incidents.customer", False),
    ("compensation", "version", "+", "compensations.scaleversion", False),
    ("compensation", "rule", "+", "compensations.scalerule", False),
    ("compensation", "offer", "+", "compensations.offer", False),
)


def _held_by_trigger(
    model: str, name: str, related: str, to: str, indexed: bool
) -> migrations.AlterField:
    key = models.ForeignKey(
        db_constraint=False,
        db_index=indexed,
        on_delete=models.PROTECT,
        related_name=related,
        to=to,
    )
    return migrations.AlterField(model, name, key)


def _inverse(operation: migrations.RunSQL) -> migrations.RunSQL:
    return migrations.RunSQL(operation.reverse_sql, operation.sql)


class Migration(migrations.Migration):
    dependencies = [("compensations", "0010_room"), ("incidents", "0005_states_by_market")]

    operations = [
        *(_held_by_trigger(*key) for key in KEYS),
        migrations.RunSQL(GIVEN, DROP_GIVEN),
        _inverse(frozen_guard("compensations_compensation", FROZEN_BEFORE)),
        frozen_guard("compensations_compensation", [*FROZEN_BEFORE, "market_id", "rule_id"]),
        migrations.RunSQL(LEDGER, LEDGER_BEFORE),
        migrations.RunSQL(USES, DROP_USES),
        migrations.RunSQL(KEPT, DROP_KEPT),
    ]
