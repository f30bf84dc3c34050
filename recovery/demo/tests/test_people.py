"""Who is in the demo company, and what each finds when signing in."""

import datetime as dt
import subprocess
import sys

import phonenumbers
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import authenticate

from accounts.models import Market, Staff
from accounts.states import Role
from common.windows import day_bounds, local_date
from compensations.actions import grant
from compensations.models import Compensation
from compensations.refusals import SelfDealing
from compensations.scale import live_version, range_of, rule_for
from incidents.models import ContactPoint, Incident, Promise
from incidents.states import IncidentState, PromiseState, Severity

from ..logins import DEMO_PASSWORD, LOGINS, table

pytestmark = pytest.mark.django_db

OPEN = (IncidentState.OPEN, IncidentState.IN_RECOVERY)


@pytest.mark.parametrize("login", LOGINS, ids=lambda login: login.username)
def test_each_login_signs_in_with_its_role(company: dt.datetime, login: tuple[str, ...]) -> None:
    username, role, markets = login[:3]
    staff = authenticate(username=username, password=DEMO_PASSWORD)
    assert isinstance(staff, Staff)
    for code in markets.split("+"):
        assert staff.has_role(Market.objects.get(code=code), role)


def test_the_password_is_as_long_as_the_rule_asks() -> None:
    assert len(DEMO_PASSWORD) >= 15


def test_the_logins_need_no_framework() -> None:
    script = (
        "import importlib.util as u, sys;"
        f"s = u.spec_from_file_location('logins', {str(_path())!r});"
        "m = u.module_from_spec(s); s.loader.exec_module(m);"
        "assert m.LOGINS and 'django' not in sys.modules"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True, timeout=30)


def _path() -> object:
    return settings.BASE_DIR / "recovery" / "demo" / "logins.py"


def test_the_table_names_everybody_in_both_languages() -> None:
    for language in ("es", "en"):
        lines = table(language).splitlines()
        assert [line.split()[0] for line in lines] == [login.username for login in LOGINS]


def test_the_house_is_complete(company: dt.datetime) -> None:
    for market in Market.objects.all():
        held = {
            role: Staff.objects.filter(
                role_grants__market=market, role_grants__role=role, role_grants__ended_at=None
            ).count()
            for role in Role.values
        }
        assert held[Role.AGENT] == 20
        assert held[Role.FINANCE] == 2
        assert held[Role.AUDITOR] == 1
        assert held[Role.ADMINISTRATOR] == 2
        assert held[Role.CASHIER] == market.locations.count()
        for team in market.teams.all():
            assert team.members.exists()
            assert team.supervisors.exists()


def test_nobody_can_be_reached_outside(company: dt.datetime) -> None:
    contacts = ContactPoint.objects.all()
    assert contacts.filter(kind="email").count() > 100
    for contact in contacts:
        if contact.kind == "email":
            assert contact.value.endswith(".example")
        else:
            assert phonenumbers.is_valid_number(phonenumbers.parse(contact.value))
    for staff in Staff.objects.all():
        assert staff.email.endswith(".example")
        assert phonenumbers.is_valid_number(phonenumbers.parse(staff.phone))


def test_every_agent_has_a_handful_of_open_cases(company: dt.datetime) -> None:
    agents = Staff.objects.filter(role_grants__role=Role.AGENT)
    assert agents.count() == 40
    for agent in agents:
        mine = Incident.objects.filter(owner=agent, state__in=OPEN)
        assert 4 <= mine.count() <= 20
        assert mine.filter(compensated_at=None).exists()


def test_some_open_cases_are_critical_and_some_promises_fall_due_today(
    company: dt.datetime,
) -> None:
    for market in Market.objects.all():
        zone = market.time_zone
        start, end = day_bounds(local_date(company, zone), zone)
        assert Incident.objects.filter(
            market=market, state__in=OPEN, severity=Severity.CRITICAL, compensated_at=None
        ).exists()
        due = Promise.objects.filter(market=market, state=PromiseState.DUE)
        today = due.filter(due_at__gte=start, due_at__lt=end)
        assert today.filter(due_at__gt=company).count() >= 10
        assert not Incident.objects.filter(
            promises__in=due, state__in=[IncidentState.RESOLVED, IncidentState.CLOSED]
        ).exists()


@pytest.mark.parametrize("username", ["lucia", "tomas", "andres", "manuela"])
def test_an_agent_can_grant_the_first_offer_of_an_open_case(
    company: dt.datetime, username: str
) -> None:
    agent = Staff.objects.get(username=username)
    case = (
        Incident.objects.filter(
            owner=agent, state=IncidentState.OPEN, amount_at_stake_minor__isnull=False
        )
        .exclude(customer__name__startswith="Gael ")
        .select_related("market", "category", "customer")
        .latest("id")
    )
    version = live_version(case.market)
    assert version is not None
    rule = rule_for(version, case.category, case.severity, case.customer.segment)
    assert rule is not None
    offer = rule.offers.all()[0]
    with time_machine.travel(company, tick=True):
        given = grant(incident=case, offer=offer, by=agent)
    assert given.face_minor == range_of(offer, case.amount_at_stake_minor).default


@pytest.mark.parametrize(("username", "market"), [("lucia", "MX"), ("andres", "CO")])
def test_a_colleagues_relative_is_refused(company: dt.datetime, username: str, market: str) -> None:
    agent = Staff.objects.get(username=username)
    case = Incident.objects.select_related("market", "category", "customer").get(
        owner=agent, market__code=market, customer__name__startswith="Gael ", state="open"
    )
    version = live_version(case.market)
    assert version is not None
    rule = rule_for(version, case.category, case.severity, case.customer.segment)
    assert rule is not None
    with time_machine.travel(company, tick=True), pytest.raises(SelfDealing):
        grant(
            incident=case, offer=next(o for o in rule.offers.all() if o.basis == "fixed"), by=agent
        )
    assert not Compensation.objects.filter(incident=case).exists()
