"""Markets, places, teams and people of the demo company, with the audit rows of their making."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password

from accounts.models import Holiday, Location, Market, RoleGrant, Staff, Team
from accounts.states import Role
from audit.actions import SYSTEM, Actor
from common.fingerprints import fingerprint

from .content import CompanyWords, MarketWords, StaffLine
from .ids import HistoricIds
from .logins import DEMO_PASSWORD
from .trail import Trail

# Subscriber numbers of staff; customers' numbers begin with 555 and never meet these.
STAFF_PHONES = {"MX": "+5255444{:05d}", "CO": "+57300444{:04d}"}


@dataclass(slots=True)
class Person:
    """A member of staff in one market, and how they work in this story."""

    staff: Staff
    role: str
    actor: Actor
    # Local hours of the shift, and the weekdays off (Monday is 0).
    hours: frozenset[int] = frozenset(range(24))
    days_off: frozenset[int] = frozenset()
    # From 0.6 (sparing) to 1.4 (generous).
    generosity: float = 1.0


@dataclass(slots=True)
class DemoMarket:
    """A market with all that its history needs at hand."""

    words: MarketWords
    row: Market
    locations: dict[str, Location] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    agents: list[Person] = field(default_factory=list)
    supervisors: dict[str, Person] = field(default_factory=dict)
    finance: list[Person] = field(default_factory=list)
    # By the code of their location.
    cashiers: dict[str, Person] = field(default_factory=dict)
    # The first supervisor of each team, by the team's id.
    team_lead: dict[int, Person] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.words.code


class Builder:
    """Makes the rows at their moments; `founded` is when the company began to use the product."""

    def __init__(
        self, *, rng: random.Random, ids: HistoricIds, trail: Trail, founded: dt.datetime
    ) -> None:
        self.rng = rng
        self.ids = ids
        self.trail = trail
        self.founded = founded
        # One hash for everybody: the password is public, and hashing sixty times takes a minute.
        self.password = make_password(DEMO_PASSWORD)
        self.count = 0

    def build(self, words: CompanyWords) -> list[DemoMarket]:
        """The whole company; returns the markets."""
        markets = [self._market(one) for one in words.markets]
        first, second = (
            self._staff(line, markets[0], team=None, location=None) for line in words.administrators
        )
        auditor = self._staff(words.auditor, markets[0], team=None, location=None)
        Staff.objects.bulk_create([first, second, auditor])
        grants = []
        for market in markets:
            grants += [
                # The first administrator comes from a command; each then grants to the other.
                self._grant(first, market, Role.ADMINISTRATOR, None),
                self._grant(second, market, Role.ADMINISTRATOR, first),
                self._grant(auditor, market, Role.AUDITOR, first),
            ]
            grants += self._people(market, by=first)
        RoleGrant.objects.bulk_create(grants)
        self._after(markets, first, second, auditor)
        return markets

    def _market(self, words: MarketWords) -> DemoMarket:
        row = Market.objects.create(
            code=words.code,
            name=words.name,
            brand=words.brand,
            country=words.country,
            currency=words.currency,
            locale=words.locale,
            language=words.language,
            time_zone=words.time_zone,
            sender_email=f"hola@{words.domain}",
        )
        market = DemoMarket(words, row)
        for location in Location.objects.bulk_create(
            Location(market=row, code=code, name=name, kind=kind)
            for code, name, kind in words.locations
        ):
            market.locations[location.code] = location
        for team in Team.objects.bulk_create(
            Team(market=row, name=name) for name, _supervisors in words.teams
        ):
            market.teams[team.name] = team
        years = (self.founded.year, self.founded.year + 1, self.founded.year + 2)
        Holiday.objects.bulk_create(
            Holiday(market=row, date=dt.date.fromisoformat(f"{year}-{day}"), name=name)
            for year in years
            for day, name in words.holidays
        )
        return market

    def _staff(
        self, line: StaffLine, market: DemoMarket, *, team: Team | None, location: Location | None
    ) -> Staff:
        self.count += 1
        joined = self.founded + dt.timedelta(minutes=self.count)
        email = f"{line.username}@{market.words.domain}"
        phone = STAFF_PHONES[market.code].format(self.count)
        return Staff(
            id=self.ids.at(joined),
            username=line.username,
            name=line.name,
            email=email,
            phone=phone,
            email_fingerprint=fingerprint("contact", email),
            phone_fingerprint=fingerprint("contact", phone),
            team=team,
            location=location,
            language=line.language,
            password=self.password,
            date_joined=joined,
        )

    def _grant(self, staff: Staff, market: DemoMarket, role: str, by: Staff | None) -> RoleGrant:
        return RoleGrant(
            staff=staff,
            market=market.row,
            role=role,
            granted_at=staff.date_joined,
            granted_by=by,
        )

    def _people(self, market: DemoMarket, *, by: Staff) -> list[RoleGrant]:
        """Everybody of one market, saved; returns their roles, unsaved."""
        people: list[tuple[Person, str]] = []
        for role, group in (
            (Role.AGENT, "agents"),
            (Role.SUPERVISOR, "supervisors"),
            (Role.FINANCE, "finance"),
            (Role.CASHIER, "cashiers"),
        ):
            for line in market.words.people[group]:
                staff = self._staff(
                    line,
                    market,
                    team=market.teams[line.place] if role == Role.AGENT else None,
                    location=market.locations[line.place] if role == Role.CASHIER else None,
                )
                people.append((Person(staff, role, staff.as_actor(role)), line.place))
        Staff.objects.bulk_create([person.staff for person, _place in people])
        self._sort_out(market, people)
        return [self._grant(person.staff, market, person.role, by) for person, _place in people]

    def _sort_out(self, market: DemoMarket, people: Sequence[tuple[Person, str]]) -> None:
        """Puts each person where the history looks for them, and gives agents their shifts."""
        for person, place in people:
            if person.role == Role.AGENT:
                self._shift(market, person, len(market.agents))
                market.agents.append(person)
            elif person.role == Role.SUPERVISOR:
                market.supervisors[person.staff.username] = person
            elif person.role == Role.FINANCE:
                market.finance.append(person)
            else:
                market.cashiers[place] = person
        links = []
        for name, usernames in market.words.teams:
            team = market.teams[name]
            market.team_lead[team.pk] = market.supervisors[usernames[0]]
            links += [
                Team.supervisors.through(
                    team_id=team.pk, staff_id=market.supervisors[username].staff.pk
                )
                for username in usernames
            ]
        Team.supervisors.through.objects.bulk_create(links)

    def _shift(self, market: DemoMarket, person: Person, place: int) -> None:
        """Hotels never close; kitchens send food from ten to midnight."""
        starts = (7, 14, 22) if market.words.content == "hotel" else (9, 12, 16)
        # Few work at night: two of three shifts are by day.
        start = starts[(0, 1, 0, 1, 2)[place % 5]]
        person.hours = frozenset((start + hour) % 24 for hour in range(9))
        first_off = (place * 2 + 1) % 7
        person.days_off = frozenset({first_off, (first_off + 1) % 7})
        person.generosity = round(self.rng.uniform(0.75, 1.25), 2)

    def _after(
        self, markets: Sequence[DemoMarket], first: Staff, second: Staff, auditor: Staff
    ) -> None:
        """The audit rows of all of it, at the moments of the rows."""
        by = first.as_actor(Role.ADMINISTRATOR)
        for market in markets:
            code = market.code
            self.trail.add(
                self.founded,
                "market.create",
                SYSTEM,
                "market",
                market.row.pk,
                market=code,
                after={
                    "name": market.row.name,
                    "country": market.row.country,
                    "currency": market.row.currency,
                    "time_zone": market.row.time_zone,
                    "administrator": str(first.pk),
                },
            )
            for location in market.locations.values():
                self.trail.add(
                    self.founded,
                    "location.create",
                    by,
                    "location",
                    location.pk,
                    market=code,
                    after={"code": location.code, "name": location.name, "kind": location.kind},
                )
            for name, usernames in market.words.teams:
                team = market.teams[name]
                ids = sorted(str(market.supervisors[one].staff.pk) for one in usernames)
                self.trail.add(
                    self.founded + dt.timedelta(hours=3),
                    "team.create",
                    by,
                    "team",
                    team.pk,
                    market=code,
                    after={"name": team.name, "supervisors": ids},
                )
            people = [*market.agents, *market.supervisors.values(), *market.finance]
            people += market.cashiers.values()
            for person in people:
                self._created(person.staff, [person.role], by, code)
        home = markets[0].code
        self._created(first, [Role.ADMINISTRATOR], SYSTEM, home)
        self._created(second, [Role.ADMINISTRATOR], by, home)
        self._created(auditor, [Role.AUDITOR], by, home)
        for market in markets[1:]:
            for staff, role in ((second, Role.ADMINISTRATOR), (auditor, Role.AUDITOR)):
                self.trail.add(
                    staff.date_joined,
                    "role.grant",
                    by,
                    "staff",
                    staff.pk,
                    market=market.code,
                    after={"role": role.value},
                )

    def _created(self, staff: Staff, roles: Sequence[str], by: Actor, market: str) -> None:
        self.trail.add(
            staff.date_joined,
            "staff.create",
            by,
            "staff",
            staff.pk,
            market=market,
            after={
                "username": staff.username,
                "name": staff.name,
                "roles": [str(role) for role in roles],
                "team": staff.team_id,
                "location": staff.location_id,
            },
        )
