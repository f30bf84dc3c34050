"""The demo company's nights: its past days rolled up, the last ones reported and mostly signed.

Runs after the company was committed, so that the reader of the trail starts behind all of it.
Nobody is written to about nights that were over before the company existed.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Min

from accounts.models import Market, Team
from audit.actions import event
from audit.models import AuditEvent
from common.windows import local_date
from incidents.models import Incident
from reporting.actions import build_report, roll_days
from reporting.models import NightlyReport, ReportSignature
from reporting.selectors.reports import signers_of

REPORTED = 14
# The newest nights still wait for their signature.
UNSIGNED = 2


def account_for_nights(now: dt.datetime) -> int:
    """Rolls every past day of each market and reports the last ones; how many reports."""
    return sum(_market(market, now) for market in Market.objects.order_by("pk"))


@transaction.atomic
def _market(market: Market, now: dt.datetime) -> int:
    first = Incident.objects.filter(market=market).aggregate(first=Min("logged_at"))["first"]
    if first is None:
        return 0
    today = local_date(now, market.time_zone)
    start = local_date(first, market.time_zone)
    roll_days(market, start, today)
    reported = max(start, today - dt.timedelta(days=REPORTED))
    reports = [
        build_report(market, reported + dt.timedelta(days=number), send=False).report
        for number in range((today - reported).days)
    ]
    _sign(market, [report for report in reports if (today - report.date).days > UNSIGNED])
    return len(reports)


def _sign(market: Market, reports: list[NightlyReport]) -> None:
    """Each team's part, the next morning, by the first who may."""
    teams = {team.pk: team for team in Team.objects.filter(market=market)}
    signatures, told = [], []
    for report in reports:
        morning = dt.datetime.combine(
            report.date + dt.timedelta(days=1), dt.time(8, 40), ZoneInfo(market.time_zone)
        )
        for key in report.team_ids:
            signers = signers_of(report.content, teams[key])
            if not signers:
                continue
            signatures.append(
                ReportSignature(
                    report=report,
                    team=teams[key],
                    revision=report.revision,
                    by=signers[0],
                    at=morning,
                )
            )
            row = event(
                act="report.signed",
                by=signers[0].as_actor(),
                object_kind="report",
                object_id=report.pk,
                market_code=market.code,
                after={
                    "date": report.date.isoformat(),
                    "team": key,
                    "revision": report.revision,
                },
            )
            row.at = morning
            told.append(row)
    ReportSignature.objects.bulk_create(signatures)
    AuditEvent.objects.bulk_create(told)
