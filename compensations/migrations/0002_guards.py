from django.db import migrations

from common.sql import append_only_guard, frozen_guard, transition_guard

# Every set of entries inserted by one statement balances, per transaction and currency.
BALANCE = """
CREATE FUNCTION guard_ledger_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM added GROUP BY transaction, currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger entries do not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER compensations_ledgerentry_balance
    AFTER INSERT ON compensations_ledgerentry
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION guard_ledger_balance();
"""
DROP_BALANCE = """
DROP TRIGGER compensations_ledgerentry_balance ON compensations_ledgerentry;
DROP FUNCTION guard_ledger_balance();
"""

# A market that ever had a live scale has exactly one at every commit, without gap or overlap.
ONE_LIVE = """
CREATE FUNCTION guard_one_live() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    target bigint := COALESCE(NEW.market_id, OLD.market_id);
BEGIN
    IF EXISTS (
        SELECT 1 FROM compensations_scaleversion
        WHERE market_id = target AND state IN ('live', 'retired')
    ) AND (
        SELECT count(*) FROM compensations_scaleversion
        WHERE market_id = target AND state = 'live'
    ) <> 1 THEN
        RAISE EXCEPTION 'a market has exactly one live scale' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM (
            SELECT effective_from,
                   lag(effective_until) OVER (ORDER BY effective_from) AS previous_until
            FROM compensations_scaleversion
            WHERE market_id = target AND state IN ('live', 'retired')
        ) AS ranges
        WHERE previous_until IS NOT NULL AND previous_until <> effective_from
    ) THEN
        RAISE EXCEPTION 'scale ranges leave a gap or overlap' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER compensations_scaleversion_one_live
    AFTER INSERT OR UPDATE OR DELETE ON compensations_scaleversion
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION guard_one_live();
"""
DROP_ONE_LIVE = """
DROP TRIGGER compensations_scaleversion_one_live ON compensations_scaleversion;
DROP FUNCTION guard_one_live();
"""

# What was published never changes: rules and offers belong to a draft, or stand still.
IMMUTABLE = """
CREATE FUNCTION guard_published_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP <> 'INSERT' AND (
            SELECT state FROM compensations_scaleversion WHERE id = OLD.version_id) <> 'draft')
        OR (TG_OP <> 'DELETE' AND (
            SELECT state FROM compensations_scaleversion WHERE id = NEW.version_id) <> 'draft')
    THEN
        RAISE EXCEPTION 'only a draft scale can change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER compensations_scalerule_published
    BEFORE INSERT OR UPDATE OR DELETE ON compensations_scalerule
    FOR EACH ROW EXECUTE FUNCTION guard_published_rule();

CREATE FUNCTION guard_published_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP <> 'INSERT' AND (
            SELECT version.state FROM compensations_scaleversion version
            JOIN compensations_scalerule rule ON rule.version_id = version.id
            WHERE rule.id = OLD.rule_id) <> 'draft')
        OR (TG_OP <> 'DELETE' AND (
            SELECT version.state FROM compensations_scaleversion version
            JOIN compensations_scalerule rule ON rule.version_id = version.id
            WHERE rule.id = NEW.rule_id) <> 'draft')
    THEN
        RAISE EXCEPTION 'only a draft scale can change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER compensations_offer_published
    BEFORE INSERT OR UPDATE OR DELETE ON compensations_offer
    FOR EACH ROW EXECUTE FUNCTION guard_published_offer();
"""
DROP_IMMUTABLE = """
DROP TRIGGER compensations_offer_published ON compensations_offer;
DROP FUNCTION guard_published_offer();
DROP TRIGGER compensations_scalerule_published ON compensations_scalerule;
DROP FUNCTION guard_published_rule();
"""


class Migration(migrations.Migration):
    dependencies = [("compensations", "0001_initial")]

    operations = [
        migrations.RunSQL(BALANCE, DROP_BALANCE),
        append_only_guard("compensations_ledgerentry"),
        migrations.RunSQL(ONE_LIVE, DROP_ONE_LIVE),
        migrations.RunSQL(IMMUTABLE, DROP_IMMUTABLE),
        transition_guard(
            "compensations_scaleversion",
            [
                "draft>in_review",
                "in_review>draft",
                "in_review>scheduled",
                "live>retired",
                "scheduled>live",
            ],
        ),
        frozen_guard("compensations_scaleversion", ["market_id", "number", "author_id"]),
        transition_guard(
            "compensations_issuancelimit",
            ["in_force>retired", "proposed>in_force", "proposed>rejected"],
        ),
        frozen_guard(
            "compensations_issuancelimit",
            [
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
            ],
        ),
        transition_guard(
            "compensations_compensation",
            [
                "issued>expired",
                "issued>settled",
                "issued>voided",
                "requested>issued",
                "requested>lapsed",
                "requested>rejected",
                "requested>withdrawn",
                "settled>issued",
            ],
        ),
        frozen_guard(
            "compensations_compensation",
            [
                "currency",
                "face_minor",
                "customer_id",
                "incident_id",
                "offer_id",
                "version_id",
                "granted_by_id",
                "is_statutory",
            ],
        ),
        transition_guard(
            "compensations_coupon",
            [
                "issued>expired",
                "issued>redeemed",
                "issued>reserved",
                "issued>voided",
                "redeemed>issued",
                "reserved>expired",
                "reserved>issued",
                "reserved>redeemed",
                "reserved>voided",
            ],
        ),
        frozen_guard(
            "compensations_coupon", ["currency", "value_minor", "code_hash", "compensation_id"]
        ),
        frozen_guard("compensations_redemption", ["amount_minor", "currency", "coupon_id"]),
        transition_guard(
            "compensations_approval",
            ["pending>approved", "pending>lapsed", "pending>rejected", "pending>withdrawn"],
        ),
        frozen_guard(
            "compensations_approval", ["content_hash", "compensation_id", "requested_by_id"]
        ),
    ]
