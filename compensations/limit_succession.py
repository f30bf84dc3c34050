"""Limits that stand in for one another. All of a kind count in the same counters."""

from django.db.models import Q

from .models import IssuanceLimit
from .states import LimitState


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


def general_of(limit: IssuanceLimit) -> IssuanceLimit | None:
    """The limit in force, locked, that a targeted one stands in for; None for a general one."""
    if not (limit.for_staff_id or limit.for_team_id or limit.for_role or limit.for_segment):
        return None
    return in_force_instead_of(
        IssuanceLimit(
            market_id=limit.market_id,
            scope=limit.scope,
            window=limit.window,
            measure=limit.measure,
        )
    )
