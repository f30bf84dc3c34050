from django.db import migrations

# A row that is asked for by its key and something else may be looked for by the something else:
# without statistics the planner takes any index for as good as the key's, and then reads every
# compensation of the market for each coupon. With the rest in what is selected, only the key is
# left to look by.
_COUPON = """
CREATE OR REPLACE FUNCTION guard_coupon_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF {refused} THEN
        RAISE EXCEPTION 'a coupon is of a compensation, with its market, currency and value'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
COUPON = _COUPON.format(
    refused="""(
        SELECT (market_id, currency, face_minor) = (NEW.market_id, NEW.currency, NEW.value_minor)
        FROM compensations_compensation WHERE id = NEW.compensation_id
    ) IS NOT TRUE"""
)
COUPON_BEFORE = _COUPON.format(
    refused="""NOT EXISTS (
        SELECT FROM compensations_compensation
        WHERE id = NEW.compensation_id
            AND (market_id, currency, face_minor) = (NEW.market_id, NEW.currency, NEW.value_minor)
    )"""
)


class Migration(migrations.Migration):
    dependencies = [("compensations", "0019_redemption_refers")]

    operations = [migrations.RunSQL(COUPON, COUPON_BEFORE)]
