from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from compensations.conditions import IssuedHasMoment, ReservedHasBoth, VoidHasPersonAndReason

_FUNCTION = """
CREATE FUNCTION {name}({takes}) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN {holds};
END $$;
"""
FUNCTIONS = (
    (
        "issued_has_moment",
        "state varchar, issued_at timestamptz",
        """issued_at IS NOT NULL
        OR state IN ('requested', 'rejected', 'withdrawn', 'lapsed')""",
    ),
    (
        "void_has_person_and_reason",
        "state varchar, voided_by uuid, reason varchar",
        """CASE state
        WHEN 'voided' THEN voided_by IS NOT NULL AND reason > ''
        ELSE voided_by IS NULL
    END""",
    ),
    (
        "reserved_has_both",
        "state varchar, reserved_by uuid, reserved_until timestamptz",
        """CASE state
        WHEN 'reserved' THEN reserved_by IS NOT NULL AND reserved_until IS NOT NULL
        ELSE reserved_by IS NULL AND reserved_until IS NULL
    END""",
    ),
)
CONSTRAINTS = (
    ("compensation", "compensation_issued_has_moment", IssuedHasMoment("state", "issued_at")),
    (
        "compensation",
        "compensation_void_has_person_and_reason",
        VoidHasPersonAndReason("state", "voided_by", "void_reason"),
    ),
    (
        "coupon",
        "coupon_reserved_has_both",
        ReservedHasBoth("state", "reserved_by", "reserved_until"),
    ),
)


def _said_anew(model: str, name: str, condition: models.Func) -> list[Operation]:
    constraint = models.CheckConstraint(name=name, condition=condition)
    return [
        migrations.RemoveConstraint(model, name),
        migrations.AddConstraint(model, constraint),
    ]


class Migration(migrations.Migration):
    dependencies = [("compensations", "0020_asked_by_key")]

    operations = [
        *(
            migrations.RunSQL(
                _FUNCTION.format(name=name, takes=takes, holds=holds), f"DROP FUNCTION {name}"
            )
            for name, takes, holds in FUNCTIONS
        ),
        *(step for each in CONSTRAINTS for step in _said_anew(*each)),
    ]
