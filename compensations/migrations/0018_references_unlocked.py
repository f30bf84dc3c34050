from django.db import migrations, models

from common.sql import frozen_anew, frozen_guard, kept_guard

# The other keys of a grant. A foreign key locks what it finds: the market, the category, the team
# and the limits, which every grant refers to, were locked by all of them together, and each lock
# was written into the row and the log.
_REFERS = """
CREATE OR REPLACE FUNCTION guard_compensation_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM saved
        WHERE (
            SELECT (market_id, customer_id, currency{of_incident})
                = (saved.market_id, saved.customer_id, saved.currency{of_saved})
            FROM incidents_incident WHERE id = saved.incident_id
        ) IS NOT TRUE OR (
            SELECT (rule.id, version.id, version.market_id, offer.kind || ':' || offer.name_es)
                = (saved.rule_id, saved.version_id, saved.market_id, saved.offer_key)
                AND version.state IN ('live', 'retired')
            FROM compensations_offer AS offer
            JOIN compensations_scalerule AS rule ON rule.id = offer.rule_id
            JOIN compensations_scaleversion AS version ON version.id = rule.version_id
            WHERE offer.id = saved.offer_id
        ) IS NOT TRUE{people}
    ) THEN
        RAISE EXCEPTION 'a compensation is of an incident and of a published offer of its market'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
REFERS = _REFERS.format(
    of_incident=", category_id, COALESCE(location_id, 0)",
    of_saved=", saved.category_id, COALESCE(saved.location_id, 0)",
    people="""
            OR NOT EXISTS (SELECT FROM accounts_staff WHERE id = saved.granted_by_id)
            OR saved.team_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM accounts_team WHERE id = saved.team_id)""",
)
REFERS_BEFORE = _REFERS.format(of_incident="", of_saved="", people="")
# A coupon is worth what was granted.
COUPON = """
CREATE FUNCTION guard_coupon_refers() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM compensations_compensation
        WHERE id = NEW.compensation_id
            AND (market_id, currency, face_minor) = (NEW.market_id, NEW.currency, NEW.value_minor)
    ) THEN
        RAISE EXCEPTION 'a coupon is of a compensation, with its market, currency and value'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER compensations_coupon_refers AFTER INSERT ON compensations_coupon
    FOR EACH ROW EXECUTE FUNCTION guard_coupon_refers();
"""
DROP_COUPON = """
DROP TRIGGER compensations_coupon_refers ON compensations_coupon;
DROP FUNCTION guard_coupon_refers();
"""
_USES = """
CREATE OR REPLACE FUNCTION guard_limit_uses() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM saved
        WHERE (SELECT id FROM compensations_compensation WHERE id = compensation_id) IS NULL
            OR ({counter}) IS NULL
    ) THEN
        RAISE EXCEPTION 'a use is of a compensation and of a counter'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
# What a counter without a use counts is nothing, whatever limit it names.
USES = _USES.format(
    counter="""
                SELECT counter.id FROM compensations_limitcounter AS counter
                JOIN compensations_issuancelimit AS bound ON bound.id = counter.limit_id
                WHERE counter.id = counter_id
            """
)
USES_BEFORE = _USES.format(
    counter="SELECT id FROM compensations_limitcounter WHERE id = counter_id"
)
FROZEN_BEFORE = [
    "currency",
    "face_minor",
    "customer_id",
    "incident_id",
    "offer_id",
    "version_id",
    "granted_by_id",
    "is_statutory",
    "market_id",
    "rule_id",
    "offer_key",
]
FROZEN_COUPON_BEFORE = ["currency", "value_minor", "code_hash", "compensation_id"]
# What is referred to without a lock never goes away.
KEPT = ("compensations_issuancelimit", "incidents_category")
# Model, field, the name on the other side, what it refers to, and what else its field says.
KEYS = (
    ("compensation", "category", "+", "incidents.category", {"db_index": False}),
    ("compensation", "granted_by", "+", "accounts.staff", {"db_index": False}),
    ("compensation", "location", "+", "accounts.location", {"db_index": False, "null": True}),
    ("compensation", "team", "+", "accounts.team", {"db_index": False, "null": True}),
    ("coupon", "market", "+", "accounts.market", {"db_index": False}),
    ("limitcounter", "limit", "counters", "compensations.issuancelimit", {"db_index": False}),
)


def _held_by_trigger(
    model: str, name: str, related: str, to: str, also: dict[str, bool]
) -> migrations.AlterField:
    key = models.ForeignKey(
        db_constraint=False, on_delete=models.PROTECT, related_name=related, to=to, **also
    )
    return migrations.AlterField(model, name, key)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_kept"),
        ("compensations", "0017_undone"),
        ("incidents", "0010_customer_named_later"),
    ]

    operations = [
        *(kept_guard(table, "guard_kept") for table in KEPT),
        migrations.RunSQL(REFERS, REFERS_BEFORE),
        frozen_anew(
            "compensations_compensation",
            [*FROZEN_BEFORE, "category_id", "location_id", "team_id"],
            FROZEN_BEFORE,
        ),
        migrations.RunSQL(COUPON, DROP_COUPON),
        frozen_anew(
            "compensations_coupon", [*FROZEN_COUPON_BEFORE, "market_id"], FROZEN_COUPON_BEFORE
        ),
        migrations.RunSQL(USES, USES_BEFORE),
        frozen_guard("compensations_limitcounter", ["limit_id", "subject", "starts_on"]),
        *(_held_by_trigger(*key) for key in KEYS),
        migrations.AlterField(
            "coupon",
            "compensation",
            models.OneToOneField(
                db_constraint=False,
                on_delete=models.PROTECT,
                related_name="coupon",
                to="compensations.compensation",
            ),
        ),
    ]
