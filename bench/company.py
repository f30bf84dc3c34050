"""The company that benchmarks work on: one market with a live scale, limits and fifty agents."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import Location, Market, Staff, Team
from accounts.states import Role
from compensations.tests.scenario import Company, build, person
from incidents.models import Category

from . import words


@dataclass
class Bench:
    company: Company
    agents: list[Staff]


def build_bench(agents: int = 50) -> Bench:
    """Six limits apply to each grant: two of the agent, one of team, market, customer, incident."""
    company = build()
    for scope, window, measure, cap in (
        ("agent", "day", "amount", 10**11),
        ("agent", "day", "count", 10**7),
        ("team", "month", "amount", 10**11),
        ("market", "day", "amount", 10**11),
        ("customer", "month", "amount", 10**9),
        ("incident", "each", "amount", 10**9),
    ):
        company.limit(scope, window, measure, cap)
    people = [person(company.market, f"a{n}", Role.AGENT, team=company.team) for n in range(agents)]
    return Bench(company, people)


def furnish(
    market: Market, mark: str, *, teams: int, agents: int
) -> tuple[list[Team], list[Staff]]:
    """Two levels of categories, twelve locations, teams and agents; `mark` begins every code."""
    for place, (reason, (es, en, kinds)) in enumerate(words.REASONS.items()):
        parent = Category.objects.create(
            market=market, code=f"{mark}-{reason}", name_es=es, name_en=en, position=place
        )
        for kind in kinds.split():
            Category.objects.create(
                market=market,
                parent=parent,
                code=f"{mark}-{reason}-{kind}",
                name_es=f"{es}: {kind}",
                name_en=f"{en}: {kind}",
            )
    for number in range(12):
        code = f"{mark.upper()}{number}"
        Location.objects.create(market=market, code=code, name=f"Casa {number}")
    groups = [Team.objects.create(market=market, name=f"Equipo {n}") for n in range(teams)]
    people = [
        person(market, f"{mark}{market.code.lower()}{n}", Role.AGENT, team=groups[n % teams])
        for n in range(agents)
    ]
    return groups, people


def today() -> str:
    """The UTC date, for the floor's counters."""
    return timezone.now().date().isoformat()
