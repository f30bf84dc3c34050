"""A customer's link: long, stored hashed, ending, of one incident (invariant 31)."""

import base64
import datetime as dt
import math
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.ids import uuid7
from incidents.actions import issue_portal_token, revoke_portal_tokens
from incidents.models import Incident, PortalToken
from incidents.selectors import open_portal_token

from .conftest import Desk


def _issue(incident: Incident, days: int = 30) -> str:
    return _seeded(incident, uuid7(), days)


def _seeded(incident: Incident, seed: uuid.UUID, days: int) -> str:
    until = timezone.now() + dt.timedelta(days=days)
    return issue_portal_token(incident=incident, ref=None, seed=seed, until=until)


def test_a_token_carries_128_bits_and_more(desk: Desk) -> None:
    incident = desk.incident()
    tokens = [_issue(incident) for _number in range(50)]
    assert len(set(tokens)) == 50
    for token in tokens:
        assert len(base64.urlsafe_b64decode(token + "=")) * 8 == 256
    # Every one of the 43 places varies: nothing of it is fixed or counted up.
    spread = [len({token[place] for token in tokens}) for place in range(42)]
    assert min(spread) > 10
    assert math.log2(64) * 42 >= 128


def test_only_a_keyed_hash_is_stored(desk: Desk) -> None:
    token = _issue(desk.incident())
    row = PortalToken.objects.get()
    assert len(bytes(row.token_hash)) == 32
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM incidents_portaltoken t")
        stored = cursor.fetchone()[0]
    assert token not in stored
    assert base64.urlsafe_b64decode(token + "=").hex() not in stored


def test_the_same_seed_gives_the_same_link(desk: Desk) -> None:
    incident, seed = desk.incident(), uuid7()
    first = _seeded(incident, seed, 10)
    end = PortalToken.objects.get().expires_at
    assert _seeded(incident, seed, 5) == first
    assert PortalToken.objects.get().expires_at == end
    _seeded(incident, seed, 20)
    assert PortalToken.objects.get().expires_at > end


def test_it_opens_its_incident_and_no_other(desk: Desk) -> None:
    one, other = desk.incident(), desk.incident()
    first, second = _issue(one), _issue(other)
    opened = open_portal_token(first)
    assert opened is not None
    assert opened.incident == one
    opened = open_portal_token(second)
    assert opened is not None
    assert opened.incident == other


def test_it_ends(desk: Desk) -> None:
    token = _issue(desk.incident())
    assert open_portal_token(token) is not None
    PortalToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert open_portal_token(token) is None


def test_it_can_be_revoked(desk: Desk) -> None:
    incident = desk.incident()
    token = _issue(incident)
    assert revoke_portal_tokens(incident=incident, by=desk.agent) == 1
    assert open_portal_token(token) is None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ñ" * 43, "\x00" * 43, "A" * 5000])
def test_what_is_no_token_opens_nothing(desk: Desk, token: str) -> None:
    _issue(desk.incident())
    assert open_portal_token(token) is None


def test_opening_changes_nothing(desk: Desk) -> None:
    token = _issue(desk.incident())
    with CaptureQueriesContext(connection) as queries:
        open_portal_token(token)
    # Before it may stand the end of the making's own savepoint.
    assert [query["sql"].rpartition("; ")[2].split()[0] for query in queries] == ["SELECT"]
