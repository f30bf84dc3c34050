"""Nightly reports as each reader may see them, and who may sign which team's part.

Finance and auditors read the market's report whole; a supervisor reads the parts of the teams they
supervise, with sums of their own. Agents read none of it.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Market, RoleGrant, Staff, Team
from accounts.states import Role
from common.errors import NotAllowed
from common.prepared import prepared
from common.windows import local_date

from ..models import NightlyReport, ReportSignature
from ..rolling_sql import ISSUANCE_MEASURES
from .sight import LOOKERS, WHOLE, Sight, sight_of

# Sums of a part that are added up from its people.
PEOPLE_MEASURES = (
    *ISSUANCE_MEASURES,
    "cases",
    "compensated",
    "failed",
    "promises",
    "goodwill",
    "goodwill_face",
)
# Lists whose rows belong to a team.
TEAM_LISTS = ("voids", "failures", "pairs", "promises")
# How far back unsigned parts are counted where a number stands beside a link.
AGEING_DAYS = 60


def reading_sight(staff: Staff, market: Market) -> Sight:
    """Whose parts a person reads. Raises NotAllowed for who reads no report of the market."""
    if not staff.has_role(market, *LOOKERS):
        raise NotAllowed
    return sight_of(staff, market)


def visible_reports(sight: Sight) -> QuerySet[NightlyReport]:
    """The market's reports, the newest first, without their content.

    A supervisor sees every day, and on each the parts of their teams.
    """
    return NightlyReport.objects.filter(market=sight.market).defer("content").order_by("-date")


def part_of(content: dict[str, Any], sight: Sight) -> dict[str, Any]:
    """What one reader sees of a report's content: all of it, or their teams' with its own sums.

    The ledger is the whole market's, and is not in a part.
    """
    if sight.teams is None:
        return content
    teams = [team for team in content["teams"] if team["team"] in sight.teams]
    people = [person for team in teams for person in team["people"]]
    part = {
        **content,
        "teams": teams,
        "totals": {name: sum(person[name] for person in people) for name in PEOPLE_MEASURES},
        "kinds": _added((person["kinds"] for person in people), 2),
        "reasons": _added((person["reasons"] for person in people), 1),
        "decisions": [row for row in content["decisions"] if row[0] in sight.teams],
        "too_little": [row for row in content["too_little"] if row[0] in sight.teams],
        "ledger": None,
        "difference": None,
    }
    for name in TEAM_LISTS:
        part[name] = [part for part in content[name] if part["team"] in sight.teams]
    return part


def _added(tables: Iterable[list[list[Any]]], keys: int) -> list[list[Any]]:
    """Rows of several tables with the same leading keys as one, the rest summed."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for table in tables:
        for row in table:
            key = tuple(row[:keys])
            old = sums.get(key, [0] * (len(row) - keys))
            sums[key] = [one + other for one, other in zip(old, row[keys:], strict=True)]
    return sorted([*key, *values] for key, values in sums.items())


def signatures_of(reports: Iterable[NightlyReport]) -> dict[int, dict[int, ReportSignature]]:
    """The signatures on the present revisions: by report, then by team."""
    revisions = {report.pk: report.revision for report in reports}
    found: dict[int, dict[int, ReportSignature]] = defaultdict(dict)
    for row in ReportSignature.objects.filter(report__in=revisions).select_related("by"):
        if row.revision == revisions[row.report_id]:
            found[row.report_id][row.team_id] = row
    return found


def seen_team_ids(report: NightlyReport, sight: Sight) -> list[int]:
    """The teams of a report that somebody has to sign and this reader sees."""
    return [team for team in report.team_ids if sight.teams is None or team in sight.teams]


def own_row(content: dict[str, Any], team: int, staff: uuid.UUID) -> bool:
    """Whether the person granted or asked for something that day in that team."""
    return any(
        person["staff"] == str(staff) and (person["issued"] or person["requested"])
        for part in content["teams"]
        if part["team"] == team
        for person in part["people"]
    )


def signers_of(content: dict[str, Any], team: Team) -> list[Staff]:
    """Who may sign a team's part now: its supervisors without a row of their own in it.

    Where there is none of those, any other supervisor of the market, and failing that finance: a
    part must not stay unsigned because those whose it is have figures in it.
    """
    held = RoleGrant.objects.filter(
        market_id=team.market_id, ended_at=None, role__in=[Role.SUPERVISOR, Role.FINANCE]
    ).values_list("staff_id", "role")
    roles: dict[uuid.UUID, set[str]] = defaultdict(set)
    for staff_id, role in held:
        roles[staff_id].add(role)
    people = {row.pk: row for row in Staff.objects.filter(pk__in=roles, is_active=True)}
    own = set(team.supervisors.values_list("pk", flat=True))
    free = [row for pk, row in people.items() if not own_row(content, team.pk, pk)]
    supervisors = [row for row in free if Role.SUPERVISOR in roles[row.pk]]
    return (
        [row for row in supervisors if row.pk in own]
        or supervisors
        or [row for row in free if Role.FINANCE in roles[row.pk]]
    )


def readers_of(market: Market, team_ids: Iterable[int]) -> list[tuple[Staff, Sight]]:
    """Who is sent a report with parts of these teams, each with what they may see of it."""
    held = RoleGrant.objects.filter(
        market=market, ended_at=None, role__in=LOOKERS, staff__is_active=True
    ).values_list("staff_id", "role")
    whole = {staff for staff, role in held if role in WHOLE}
    supervised: dict[uuid.UUID, list[int]] = defaultdict(list)
    for team, staff in Team.supervisors.through.objects.filter(
        team__market=market, team__in=list(team_ids)
    ).values_list("team_id", "staff_id"):
        supervised[staff].append(team)
    supervisors = {staff for staff, role in held if role == Role.SUPERVISOR} & supervised.keys()
    return [
        (
            person,
            Sight(
                market,
                person,
                teams=None if person.pk in whole else tuple(sorted(supervised[person.pk])),
            ),
        )
        for person in Staff.objects.filter(pk__in=whole | supervisors).order_by("pk")
    ]


_UNSIGNED = """
SELECT count(*) FROM (
    SELECT report.id, report.revision, unnest(report.team_ids) AS team_id
    FROM reporting_nightlyreport report
    WHERE report.market_id = %(market)s AND report.date > %(since)s
) part
JOIN accounts_team_supervisors own ON own.team_id = part.team_id AND own.staff_id = %(staff)s
WHERE NOT EXISTS (
    SELECT FROM reporting_reportsignature signed
    WHERE signed.report_id = part.id AND signed.team_id = part.team_id
        AND signed.revision = part.revision)
"""


def unsigned_count(staff: Staff, market: Market) -> int:
    """How many parts of the person's own teams still wait for a signature; one statement."""
    if not staff.has_role(market, Role.SUPERVISOR):
        return 0
    today = local_date(timezone.now(), market.time_zone)
    values: dict[str, Any] = {
        "market": market.pk,
        "staff": staff.pk,
        "since": today - dt.timedelta(days=AGEING_DAYS),
    }
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _UNSIGNED), values)
        (number,) = cursor.fetchone()
    return int(number)
