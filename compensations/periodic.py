"""What beat sweeps here; every run is safe beside another one."""

from celery import shared_task
from django.db import connection

from accounts.models import Market

from .actions import expire_all, lapse_due, publish_due
from .actions.closing import close_ledger

# A redeemed coupon's code is kept while its redemption may be undone, then forgotten; so is an
# expired one's. Bounded, so that a run is short.
_FORGET = """
UPDATE compensations_coupon SET code_ciphertext = NULL WHERE id IN (
    SELECT coupon.id FROM compensations_coupon coupon
    JOIN accounts_market market ON market.id = coupon.market_id
    WHERE coupon.code_ciphertext IS NOT NULL AND (
        coupon.expires_at < now()
        OR (coupon.state = 'redeemed' AND NOT EXISTS (
            SELECT 1 FROM compensations_redemption redemption
            WHERE redemption.coupon_id = coupon.id
              AND redemption.created_at > now() - make_interval(mins => market.undo_minutes))))
    LIMIT 5000 FOR UPDATE OF coupon SKIP LOCKED)
"""


@shared_task(name="compensations.periodic.forget_codes")
def forget_codes() -> int:
    """Erases the ciphertext of codes that are no longer sent again; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        return int(cursor.rowcount)


@shared_task(name="compensations.periodic.expire")
def expire() -> int:
    """Expires what was not used by its last day; returns how many, and leaves the rest to the next.

    Ends well before the time limit of a task.
    """
    return expire_all(seconds=25)


@shared_task(name="compensations.periodic.lapse_requests")
def lapse_requests() -> int:
    """Ends requests that waited too long or are no longer what was asked; returns how many."""
    return lapse_due()


@shared_task(name="compensations.periodic.publish_due_scales")
def publish_due_scales() -> int:
    """Publishes the scale versions whose moment has come, each once; returns how many."""
    return len(publish_due())


@shared_task(name="compensations.periodic.close_ledger_days")
def close_ledger_days() -> int:
    """Sums the local dates that ended an hour ago or before, of every market; how many dates."""
    return sum(close_ledger(market=market) for market in Market.objects.order_by("pk"))
