"""The commands operators rely on: the key on one line, or a clear line in English and a failure."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts.keys import key_hash
from accounts.models import AccessToken, ApiClient, Market, RoleGrant, Staff
from accounts.states import Role
from audit.models import AuditEvent
from audit.states import ActorKind

from .factories import MarketFactory, StaffFactory

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    with translation.override("es"):
        call_command(*words, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_a_client_gets_a_key() -> None:
    market = MarketFactory.create(code="MX")
    key = run(
        "create_api_client",
        "Caja 1",
        "--scope",
        "coupons:validate",
        "coupons:redeem",
        "--market",
        "mx",
    )
    client = ApiClient.objects.get(market=market, name="Caja 1")
    assert bytes(client.key_hash) == key_hash(key)
    assert client.scopes == ["coupons:redeem", "coupons:validate"]
    row = AuditEvent.objects.get()
    assert row.actor_kind == ActorKind.SYSTEM
    assert key not in str(row.after)


def test_a_person_gets_a_key() -> None:
    staff = StaffFactory.create(username="nora")
    key = run("create_access_token", "NORA")
    assert bytes(AccessToken.objects.get(staff=staff).key_hash) == key_hash(key)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create_api_client", "x", "--scope", "all", "--market", "MX"], "no such scope: all"),
        (["create_api_client", "x", "--scope", "coupons:redeem", "--market", "PE"], "no market PE"),
        (["create_api_client", "", "--scope", "coupons:redeem", "--market", "MX"], "."),
        (
            ["create_api_client", "x", "--scope", "coupons:redeem", "--market", "MX", "--days=0"],
            "730",
        ),
        (["create_access_token", "nobody"], "nobody has the user name nobody"),
        (["create_access_token", "gone"], "not active"),
    ],
)
def test_what_is_wrong_is_said_and_fails(words: list[str], said: str) -> None:
    MarketFactory.create(code="MX")
    StaffFactory.create(username="gone", is_active=False)
    with pytest.raises(CommandError, match=said):
        run(*words)
    assert ApiClient.objects.count() == AccessToken.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_the_same_name_twice_fails() -> None:
    MarketFactory.create(code="MX")
    words = ["create_api_client", "Caja", "--scope", "coupons:redeem", "--market", "MX"]
    run(*words)
    with pytest.raises(CommandError, match="has this name"):
        run(*words)
    assert ApiClient.objects.count() == 1


FIRST = ["create_administrator", "lucia", "--name=Lucía Paz", "--email=lucia@example.com"]
NEW_MARKET = [
    "--market=PE",
    "--market-name=Hoteles Perú",
    "--country=PE",
    "--currency=PEN",
    "--time-zone=America/Lima",
]


def test_an_empty_installation_gets_its_first_administrator() -> None:
    password = run(*FIRST, *NEW_MARKET)
    staff = Staff.objects.get(username="lucia")
    market = Market.objects.get(code="PE")
    assert staff.check_password(password)
    assert staff.has_role(market, Role.ADMINISTRATOR)
    assert RoleGrant.objects.get().granted_by is None
    assert [row.act for row in AuditEvent.objects.order_by("id")] == [
        "market.create",
        "staff.create",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*FIRST, "--market=PE"], "give --market-name, --country, --currency, --time-zone"),
        ([*FIRST, *NEW_MARKET[:-1], "--time-zone=Lima"], "time_zone"),
        ([*FIRST[:2], "--name=x", "--email=no", *NEW_MARKET], "email"),
        ([*FIRST, "--market=MX"], "has an administrator"),
    ],
)
def test_a_refused_administrator_leaves_nothing(words: list[str], said: str) -> None:
    market = MarketFactory.create(code="MX")
    StaffFactory.create(market=market, roles=[Role.ADMINISTRATOR])
    with pytest.raises(CommandError, match=said):
        run(*words)
    assert Market.objects.count() == Staff.objects.count() == 1
    assert AuditEvent.objects.count() == 0
