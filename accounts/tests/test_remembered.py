"""A client's key taken from memory is confirmed by the act, or read before anything is said."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.api import idempotency
from accounts.api.remembered import CONFIRM, remembered
from accounts.keys import key_hash
from accounts.models import ApiClient, Holiday, IdempotentAnswer, Market
from common.errors import InvalidInput, NotAllowed

from . import urls
from .factories import ApiClientFactory, MarketFactory
from .test_idempotency import spend

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.urls")]


@pytest.fixture(autouse=True)
def _no_hooks() -> Iterator[None]:
    yield
    urls.hooks.clear()


@pytest.fixture
def till() -> Any:
    """A client that has called this process before."""
    till: Any = ApiClientFactory(market=MarketFactory())
    assert spend(till, {"amount": 5}, key="first").status_code == 201
    assert remembered.get(key_hash(till.key)) is not None
    return till


def _revoked(till: Any) -> None:
    ApiClient.objects.filter(pk=till.pk).update(revoked_at=Now())


def _expired(till: Any) -> None:
    ApiClient.objects.filter(pk=till.pk).update(expires_at=Now() - dt.timedelta(seconds=1))


def _rotated(till: Any) -> None:
    ApiClient.objects.filter(pk=till.pk).update(key_hash=b"another key's hash".ljust(32))


def _closed(till: Any) -> None:
    Market.objects.filter(pk=till.market_id).update(is_active=False)


ENDS = [_revoked, _expired, _rotated, _closed]


@pytest.fixture
def _seen(settings: Any) -> None:
    """Statements are captured with their text."""
    settings.PREPARED_STATEMENTS = False


@pytest.mark.usefixtures("_seen")
def test_it_is_not_read_before_the_act(till: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert spend(till, {"amount": 5}, key="k").status_code == 201
    reads = [query["sql"] for query in queries if "accounts_apiclient" in query["sql"]]
    assert reads == []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("key", ["k", "first"])
def test_what_ended_a_moment_ago_does_nothing_and_hears_nothing(
    till: Any, end: Callable[[Any], None], key: str
) -> None:
    end(till)
    answer = spend(till, {"amount": 5}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert Holiday.objects.count() == IdempotentAnswer.objects.count() == 1
    assert spend(till, {"amount": 5}, key=key).status_code == 401


@pytest.mark.parametrize(
    "refusal",
    [NotAllowed(), InvalidInput(field="amount"), RuntimeError("broken on purpose")],
)
@pytest.mark.parametrize("key", ["k", "first"])
def test_a_refusal_that_asked_nothing_is_not_said_to_it_either(
    till: Any, refusal: Exception, key: str
) -> None:
    _revoked(till)
    urls.hooks["refuse at once"] = refusal
    assert spend(till, {"amount": 5}, key=key).status_code == 401


@pytest.mark.parametrize(("body", "key"), [({"amount": 0}, "k"), ({"amount": 5}, None)])
def test_nor_what_is_wrong_with_its_request(till: Any, body: Any, key: str | None) -> None:
    _revoked(till)
    assert spend(till, body, key=key).status_code == 401


def test_without_the_confirmation_it_would_go_on_acting(
    till: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    unasked = idempotency._ENTER_AS_READ.replace(CONFIRM, "concat(%s::bytea, %s::text)")
    monkeypatch.setattr(idempotency, "_ENTER_AS_READ", unasked)
    _revoked(till)
    assert spend(till, {"amount": 5}, key="k").status_code == 201


@pytest.mark.usefixtures("_seen")
def test_a_change_is_read_and_the_act_goes_on(till: Any) -> None:
    Market.objects.filter(pk=till.market_id).update(undo_minutes=7)
    with CaptureQueriesContext(connection) as queries:
        assert spend(till, {"amount": 5}, key="k").status_code == 201
    assert len([query for query in queries if "accounts_apiclient" in query["sql"]]) == 1
    known = remembered.get(key_hash(till.key))
    assert known is not None
    assert known[0].market.undo_minutes == 7
    assert Holiday.objects.count() == 2


def test_each_request_has_instances_of_its_own(till: Any) -> None:
    first, again = remembered.get(key_hash(till.key)), remembered.get(key_hash(till.key))
    assert first is not None
    assert again is not None
    assert first[0] == again[0]
    first[0].name, first[0].market.currency = "changed", "EUR"
    assert again[0].name != "changed"
    assert again[0].market.currency == "MXN"


def test_other_requests_read_the_key(till: Any) -> None:
    _revoked(till)
    headers = {"Authorization": f"Bearer {till.key}"}
    assert Client().get("/guarded", headers=headers).status_code == 401
