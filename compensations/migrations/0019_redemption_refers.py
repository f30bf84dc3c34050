from django.db import migrations, models

from common.sql import frozen_anew

# Every sale at a till locked its market, its place and the till's client, together with all others.
REFERS = """
CREATE FUNCTION guard_redemption_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM compensations_coupon AS coupon
        LEFT JOIN accounts_location AS place ON place.id = NEW.location_id
        LEFT JOIN accounts_apiclient AS client ON client.id = NEW.client_id
        LEFT JOIN accounts_staff AS cashier ON cashier.id = NEW.cashier_id
        WHERE coupon.id = NEW.coupon_id
            AND (coupon.market_id, coupon.currency) = (NEW.market_id, NEW.currency)
            AND (NEW.location_id IS NULL OR place.market_id = NEW.market_id)
            AND (NEW.client_id IS NULL OR client.market_id = NEW.market_id)
            AND (NEW.cashier_id IS NULL OR cashier.id IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'a redemption is of a coupon of its market, by somebody who is known'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER compensations_redemption_refers AFTER INSERT ON compensations_redemption
    FOR EACH ROW EXECUTE FUNCTION guard_redemption_refers();
CREATE TRIGGER compensations_coupon_kept BEFORE DELETE OR UPDATE OF id ON compensations_coupon
    FOR EACH ROW EXECUTE FUNCTION guard_kept();
"""
DROP_REFERS = """
DROP TRIGGER compensations_coupon_kept ON compensations_coupon;
DROP TRIGGER compensations_redemption_refers ON compensations_redemption;
DROP FUNCTION guard_redemption_refers();
"""
FROZEN_BEFORE = ["amount_minor", "currency", "coupon_id"]
# Field, the name on the other side, what it refers to, and what else its field says.
KEYS = (
    ("coupon", "redemptions", "compensations.coupon", {}),
    ("market", "+", "accounts.market", {"db_index": False}),
    ("location", "+", "accounts.location", {"db_index": False, "null": True}),
    ("client", "+", "accounts.apiclient", {"db_index": False, "null": True}),
    ("cashier", "+", "accounts.staff", {"db_index": False, "null": True}),
)


def _held_by_trigger(
    name: str, related: str, to: str, also: dict[str, bool]
) -> migrations.AlterField:
    key = models.ForeignKey(
        db_constraint=False, on_delete=models.PROTECT, related_name=related, to=to, **also
    )
    return migrations.AlterField("redemption", name, key)


class Migration(migrations.Migration):
    dependencies = [("compensations", "0018_references_unlocked")]

    operations = [
        migrations.RunSQL(REFERS, DROP_REFERS),
        frozen_anew(
            "compensations_redemption",
            [*FROZEN_BEFORE, "market_id", "location_id", "client_id", "cashier_id"],
            FROZEN_BEFORE,
        ),
        *(_held_by_trigger(*key) for key in KEYS),
    ]
