"""Refunds of one case: all of them together never give back more than was at stake."""

import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from accounts.models import Market
from common.errors import Refusal
from common.money import format_money
from incidents.models import Incident
from incidents.registry import register_stake_check

from .models import Compensation
from .refusals import RefundAboveStake, StakeBelowRefunds
from .states import GIVEN, HOLDING, REFUND_KINDS


def refunded_in(held: Iterable[Compensation]) -> int:
    """What the refunds among a case's live compensations give back, in minor units."""
    return sum(row.face_minor for row in held if row.kind in REFUND_KINDS)


def refunded_on(incident_id: uuid.UUID, *, but: Compensation | None) -> int:
    """The same, read from the database, without the one that is replaced."""
    live = Compensation.objects.filter(
        incident_id=incident_id, kind__in=REFUND_KINDS, state__in=HOLDING
    )
    if but is not None:
        live = live.exclude(pk=but.pk)
    return _sum(live)


def _sum(refunds: QuerySet[Compensation]) -> int:
    total: int | None = refunds.aggregate(total=Sum("face_minor"))["total"]
    return total or 0


def above_stake(at_stake_minor: int, refunded_minor: int, market: Market) -> RefundAboveStake:
    """The refusal in words: what was at stake, what is left of it, what to do."""
    left = max(at_stake_minor - refunded_minor, 0)
    if left:
        message = _(
            "Refunds give back at most what was at stake on this case, %(stake)s, and %(left)s of "
            "it is left. Choose up to %(left)s or another offer, or correct the amount at stake."
        )
    else:
        message = _(
            "What was at stake on this case, %(stake)s, is already refunded or asked for. "
            "Choose an offer that is no refund, or correct the amount at stake."
        )
    words = {
        "stake": format_money(at_stake_minor, market.currency, market.locale),
        "left": format_money(left, market.currency, market.locale),
    }
    return RefundAboveStake(
        message % words,
        field="amount_minor",
        extra={"at_stake": at_stake_minor, "left": left, "currency": market.currency},
    )


def covered(case: Incident) -> Refusal | None:
    """Why the case cannot have its new amount at stake, if refunds gave back more than that.

    The case is locked, so no refund is granted in between. One that only waits for its approval is
    left out: it is bound to the amount that it was asked with, and ends by itself. An amount that
    is no longer known bounds nothing, so it is too little as well.
    """
    if "refunds" in settings.GUARDS_OFF:
        return None
    refunded = _sum(
        Compensation.objects.filter(incident=case, kind__in=REFUND_KINDS, state__in=GIVEN)
    )
    if refunded <= (case.amount_at_stake_minor or 0):
        return None
    market = case.market
    return StakeBelowRefunds(
        _(
            "%(refunded)s of this case is refunded already, so the amount at stake cannot be less. "
            "Write at least %(refunded)s, or void a refund first."
        )
        % {"refunded": format_money(refunded, market.currency, market.locale)},
        field="amount_at_stake_minor",
        extra={"refunded": refunded, "currency": market.currency},
    )


def register() -> None:
    """Called once when the app is ready."""
    register_stake_check(covered)
