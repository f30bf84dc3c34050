"""What beat starts here; every run is safe beside another one, and goes on where the last ended."""

import logging

from celery import shared_task

from accounts.models import Market
from audit.sealing import CannotSeal, seal

from .actions import run_night

log = logging.getLogger(__name__)

# Of one run over all markets; a task may take 60 s, and a day is begun only inside of this.
SECONDS = 20.0


@shared_task(name="reporting.periodic.night", soft_time_limit=100, time_limit=110)
def night() -> int:
    """Does what is due for every market, by its own calendar; returns how many reports it built.

    A market that fails does not keep the others waiting; it is tried again by the next run.
    """
    built = 0
    markets = list(Market.objects.order_by("pk"))
    for market in markets:
        try:
            for made in run_night(market, seconds=SECONDS / len(markets)):
                built += made.is_new or made.is_revised
                log.info(
                    "report %s %s: revision %d, differs from the ledger by %d, %d mails",
                    market.code,
                    made.report.date,
                    made.report.revision,
                    made.report.difference_minor,
                    made.mails,
                )
        except Exception:
            # Whatever is wrong with one market keeps no other one waiting for its morning.
            log.exception("the night of %s could not be finished", market.code)
    if built:
        try:
            seal(seconds=SECONDS)
        except CannotSeal:
            log.exception("the trail could not be sealed")
    return built
