"""The company that benchmarks work on: one market with a live scale, limits and fifty agents."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from compensations.tests.scenario import Company, build, person


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


def today() -> str:
    """The UTC date, for the floor's counters."""
    return timezone.now().date().isoformat()
