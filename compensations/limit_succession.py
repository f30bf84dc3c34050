"""Limits that stand in for one another: which holds instead, and what was used of it meanwhile."""

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from common.windows import local_date, window_start

from .limits import ALWAYS
from .models import IssuanceLimit
from .states import LimitState, LimitWindow


def in_force_instead_of(limit: IssuanceLimit) -> IssuanceLimit | None:
    """The limit in force, locked, for the same scope, window, measure and target."""
    return (
        IssuanceLimit.objects.select_for_update()
        .filter(
            market_id=limit.market_id,
            scope=limit.scope,
            window=limit.window,
            measure=limit.measure,
            for_role=limit.for_role,
            for_segment=limit.for_segment,
            state=LimitState.IN_FORCE,
            for_staff_id__isnull=limit.for_staff_id is None,
            for_team_id__isnull=limit.for_team_id is None,
        )
        .filter(
            Q() if limit.for_staff_id is None else Q(for_staff_id=limit.for_staff_id),
            Q() if limit.for_team_id is None else Q(for_team_id=limit.for_team_id),
        )
        .exclude(pk=limit.pk)
        .first()
    )


def target_subject(limit: IssuanceLimit) -> str | None:
    """Whose counter a targeted limit uses; None where it is not one subject's."""
    target = limit.for_staff_id or limit.for_team_id or limit.for_role
    return str(target) if target else None


def general_of(limit: IssuanceLimit) -> IssuanceLimit | None:
    """The limit in force, locked, that a targeted one stands in for; None for a general one."""
    if target_subject(limit) is None and not limit.for_segment:
        return None
    return in_force_instead_of(
        IssuanceLimit(
            market_id=limit.market_id,
            scope=limit.scope,
            window=limit.window,
            measure=limit.measure,
        )
    )


_CARRY = """
WITH moved AS (
    SELECT id, subject, starts_on, used FROM compensations_limitcounter counter
    WHERE limit_id = %(source)s AND used > 0 AND starts_on >= %(since)s
        AND (%(subject)s::text IS NULL OR subject = %(subject)s)
        AND (%(segment)s::text IS NULL OR EXISTS (
            SELECT 1 FROM incidents_customer customer
            WHERE customer.id = counter.subject::uuid AND customer.segment = %(segment)s))
    FOR UPDATE
), arrived AS (
    INSERT INTO compensations_limitcounter AS counter (limit_id, subject, starts_on, used)
    SELECT %(target)s, subject, starts_on, used FROM moved
    ON CONFLICT (limit_id, subject, starts_on) DO UPDATE SET used = counter.used + excluded.used
    RETURNING id, subject, starts_on
), uses AS (
    UPDATE compensations_limituse SET counter_id = arrived.id
    FROM moved JOIN arrived USING (subject, starts_on)
    WHERE counter_id = moved.id
)
UPDATE compensations_limitcounter SET used = 0 WHERE id IN (SELECT id FROM moved)
"""


def carry_over(source: IssuanceLimit, target: IssuanceLimit, *, subject: str | None = None) -> None:
    """Moves what was used under one limit to the one that holds instead, in the windows of now.

    The caller holds the market's rules, so that no grant takes from them meanwhile. With `subject`
    only that one's counters move; to a segment's limit only those of its customers.
    """
    today = local_date(timezone.now(), source.market.time_zone)
    each = source.window == LimitWindow.EACH
    with connection.cursor() as cursor:
        cursor.execute(
            _CARRY,
            {
                "source": source.pk,
                "target": target.pk,
                "since": ALWAYS if each else window_start(source.window, today),
                "subject": subject,
                "segment": target.for_segment or None if not source.for_segment else None,
            },
        )
