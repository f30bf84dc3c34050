from django.db import migrations

# What was used becomes usable again by a reversal and by nothing else: what is left on the coupon
# is its value without the redemptions that have none, and a compensation is open again with its
# coupon. Asked on these arrows alone, so that a redemption pays nothing for it.
UNDONE = """
CREATE FUNCTION guard_coupon_undone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    standing record;
BEGIN
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

CREATE FUNCTION guard_compensation_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM compensations_coupon AS coupon
        WHERE coupon.compensation_id = NEW.id AND coupon.state = 'issued'
    ) THEN
        RAISE EXCEPTION 'a settled compensation is open again by a reversal alone'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER compensations_coupon_undone AFTER UPDATE OF state ON compensations_coupon
    FOR EACH ROW WHEN (OLD.state = 'redeemed' AND NEW.state = 'issued')
    EXECUTE FUNCTION guard_coupon_undone();
CREATE TRIGGER compensations_compensation_reopened
    AFTER UPDATE OF state ON compensations_compensation
    FOR EACH ROW WHEN (OLD.state = 'settled' AND NEW.state = 'issued')
    EXECUTE FUNCTION guard_compensation_reopened();
"""
NOT_ASKED = """
DROP TRIGGER compensations_compensation_reopened ON compensations_compensation;
DROP TRIGGER compensations_coupon_undone ON compensations_coupon;
DROP FUNCTION guard_compensation_reopened();
DROP FUNCTION guard_coupon_undone();
"""


class Migration(migrations.Migration):
    dependencies = [("compensations", "0016_decider_mailbox")]

    operations = [migrations.RunSQL(UNDONE, NOT_ASKED)]
