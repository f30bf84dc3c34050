import django.db.models.deletion
from django.db import migrations, models

from common.sql import frozen_anew

# A foreign key would lock the market for each message, together with every other one's.
MARKET = """
CREATE FUNCTION guard_message_market() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM accounts_market WHERE id = NEW.market_id) THEN
        RAISE EXCEPTION 'a message is of a market' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_message_market AFTER INSERT ON delivery_message
    FOR EACH ROW EXECUTE FUNCTION guard_message_market();
"""
DROP_MARKET = """
DROP TRIGGER delivery_message_market ON delivery_message;
DROP FUNCTION guard_message_market();
"""
FROZEN_BEFORE = ["topic", "ref", "contact", "address_fingerprint"]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_kept"), ("delivery", "0002_guards")]

    operations = [
        migrations.RunSQL(MARKET, DROP_MARKET),
        frozen_anew("delivery_message", [*FROZEN_BEFORE, "market_id"], FROZEN_BEFORE),
        migrations.AlterField(
            "message",
            "market",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.market",
            ),
        ),
    ]
