"""What every test of every app stands on: a prepared database, no way out of this machine, people.

Servers are started by `recovery.embedded.pytest_plugin`; rows are made by each app's factories.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from accounts.models import Market, Staff
from accounts.states import Role
from delivery.waking import breaker


def _is_here(host: object) -> bool:
    if host in {"localhost", b"localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _sealed_network() -> Iterator[None]:
    """Refuses connections to anything but this machine's loopback and Unix sockets."""
    patch = pytest.MonkeyPatch()

    def guarded(original: Callable[[socket.socket, Any], Any]) -> Callable[..., Any]:
        def connect(link: socket.socket, address: Any) -> Any:
            if link.family in {socket.AF_INET, socket.AF_INET6} and not _is_here(address[0]):
                raise RuntimeError(f"a test tried to reach {address[0]}, off this machine")
            return original(link, address)

        return connect

    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database, whose append-only tables tests may empty, and the running role's rights.

    Only TRUNCATE is let through, since transactional tests empty every table; UPDATE and DELETE are
    refused in tests as everywhere.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgname LIKE '%\\_no\\_truncate'"
        )
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.RUNNING_ROLE])
        if cursor.fetchone():
            call_command("grant_running_role", verbosity=0, stdout=_Silence())


class _Silence:
    """Swallows what a command prints."""

    def write(self, text: str) -> int:
        return len(text)


@pytest.fixture(autouse=True)
def _fresh_shared_state() -> Iterator[None]:
    """No test meets another one's throttles or a doorbell that another one broke."""
    yield
    breaker.worked()
    with contextlib.suppress(Exception):  # a test may have killed the broker on purpose
        cache.clear()


@pytest.fixture
def market(db: None) -> Market:
    from accounts.tests.factories import MarketFactory

    made: Market = MarketFactory.create()
    return made


@pytest.fixture
def person(market: Market) -> Callable[..., Staff]:
    """Makes a member of staff of `market` who holds the given roles."""
    from accounts.tests.factories import StaffFactory

    def make(*roles: str, **fields: Any) -> Staff:
        fields.setdefault("market", market)
        made: Staff = StaffFactory.create(roles=roles, **fields)
        return made

    return make


@pytest.fixture
def agent(person: Callable[..., Staff]) -> Staff:
    return person(Role.AGENT)


@pytest.fixture
def supervisor(person: Callable[..., Staff]) -> Staff:
    return person(Role.SUPERVISOR)


@pytest.fixture
def finance(person: Callable[..., Staff]) -> Staff:
    return person(Role.FINANCE)


@pytest.fixture
def auditor(person: Callable[..., Staff]) -> Staff:
    return person(Role.AUDITOR)


@pytest.fixture
def administrator(person: Callable[..., Staff]) -> Staff:
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def cashier(person: Callable[..., Staff]) -> Staff:
    return person(Role.CASHIER)


@pytest.fixture(scope="session")
def browser_now() -> Iterator[Any]:
    """The one browser of this process: Playwright cannot be started twice in it."""
    from tests.support.browser import chromium as start_chromium

    with start_chromium() as found:
        yield found
