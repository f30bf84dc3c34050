from django.db import migrations

from common.sql import transition_always

# When a trigger's function has something to say is asked by the function: a condition on the
# trigger is read anew for every statement that writes a state, with every word in it.
_UNDONE = """
CREATE OR REPLACE FUNCTION guard_coupon_undone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    standing record;
BEGIN{inside}
    SELECT count(*) AS number, COALESCE(sum(amount_minor), 0) AS minor INTO standing
    FROM compensations_redemption AS redemption
    WHERE redemption.coupon_id = NEW.id AND NOT EXISTS (
        SELECT FROM compensations_reversal AS reversal WHERE reversal.redemption_id = redemption.id
    );
    -- A coupon may be worth nothing in money: then no use of it may stand.
    IF NEW.value_minor - NEW.balance_minor <> standing.minor
       OR (NEW.balance_minor = 0 AND standing.number > 0) THEN
        RAISE EXCEPTION 'a used coupon is usable again by a reversal alone'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER compensations_coupon_undone ON compensations_coupon;
CREATE TRIGGER compensations_coupon_undone AFTER UPDATE OF state ON compensations_coupon
    FOR EACH ROW {outside} EXECUTE FUNCTION guard_coupon_undone();
"""
_REOPENED = """
CREATE OR REPLACE FUNCTION guard_compensation_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{inside}
    IF NOT EXISTS (
        SELECT FROM compensations_coupon AS coupon
        WHERE coupon.compensation_id = NEW.id AND coupon.state = 'issued'
    ) THEN
        RAISE EXCEPTION 'a settled compensation is open again by a reversal alone'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER compensations_compensation_reopened ON compensations_compensation;
CREATE TRIGGER compensations_compensation_reopened
    AFTER UPDATE OF state ON compensations_compensation
    FOR EACH ROW {outside} EXECUTE FUNCTION guard_compensation_reopened();
"""
_APPROVED = """
CREATE OR REPLACE FUNCTION guard_request_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{inside}
    IF NOT EXISTS (
        SELECT 1 FROM compensations_approval
        WHERE compensation_id = NEW.id AND state = 'approved'
    ) OR EXISTS (
        SELECT 1 FROM compensations_approval
        WHERE compensation_id = NEW.id AND state <> 'approved'
    ) THEN
        RAISE EXCEPTION 'a request is issued only when it was approved'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER compensations_compensation_approved ON compensations_compensation;
CREATE CONSTRAINT TRIGGER compensations_compensation_approved
    AFTER UPDATE OF state ON compensations_compensation
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW {outside} EXECUTE FUNCTION guard_request_approved();
"""


def _asked_inside(sql: str, source: str, target: str) -> migrations.RunSQL:
    inside = f"""
    IF OLD.state <> '{source}' OR NEW.state <> '{target}' THEN
        RETURN NULL;
    END IF;"""
    outside = f"WHEN (OLD.state = '{source}' AND NEW.state = '{target}')"
    return migrations.RunSQL(
        sql.format(inside=inside, outside=""), sql.format(inside="", outside=outside)
    )


class Migration(migrations.Migration):
    dependencies = [("compensations", "0021_conditions")]

    operations = [
        _asked_inside(_UNDONE, "redeemed", "issued"),
        _asked_inside(_REOPENED, "settled", "issued"),
        _asked_inside(_APPROVED, "requested", "issued"),
        transition_always(
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
        transition_always(
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
    ]
