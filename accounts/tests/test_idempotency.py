"""Invariant 5: the same key and body give one effect and one answer, whatever happens meanwhile."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.api import idempotency
from accounts.models import Holiday, IdempotentAnswer
from common.errors import InvalidInput, NotAllowed
from common.postgres.base import ON_DISK

from . import urls
from .factories import ApiClientFactory, MarketFactory

pytestmark = pytest.mark.urls("accounts.tests.urls")


@pytest.fixture(autouse=True)
def _no_hooks() -> Iterator[None]:
    yield
    urls.hooks.clear()


@pytest.fixture
def till(db: None) -> Any:
    return ApiClientFactory(market=MarketFactory())


def spend(till: Any, body: Any, key: str | None = "k-1", client: Client | None = None) -> Any:
    headers = {"Authorization": f"Bearer {till.key}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    caller = client or Client(raise_request_exception=False)
    return caller.post("/spend", body, content_type="application/json", headers=headers)


def test_repeats_the_answer_to_the_byte_with_one_effect(till: Any) -> None:
    first = spend(till, {"amount": 5, "note": "a"})
    with CaptureQueriesContext(connection) as queries:
        again = spend(till, {"note": "a", "amount": 5})
    # The first one's locks may be gone before it is on the disk.
    assert queries[-1]["sql"] == ON_DISK
    assert first.status_code == again.status_code == 201
    assert first.content == again.content == b'{"zeta":1,"alpha":5}'
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Holiday.objects.count() == 1


def test_another_body_is_refused(till: Any) -> None:
    spend(till, {"amount": 5})
    other = spend(till, {"amount": 6})
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_mismatch"
    assert Holiday.objects.count() == 1


def test_another_key_is_another_act(till: Any) -> None:
    spend(till, {"amount": 5})
    assert spend(till, {"amount": 5}, key="k-2").json()["zeta"] == 2


def test_two_callers_never_share_a_key(till: Any) -> None:
    other = ApiClientFactory(market=till.market)
    assert spend(till, {"amount": 5}).json()["zeta"] == 1
    assert spend(other, {"amount": 5}).json()["zeta"] == 2


@pytest.mark.parametrize("key", [None, "", "a b", "ñ", "x" * 129])
def test_a_key_is_required(till: Any, key: str | None) -> None:
    answer = spend(till, {"amount": 5}, key=key)
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_required"
    assert Holiday.objects.count() == 0


def test_a_refusal_leaves_no_effect_and_is_repeated(till: Any) -> None:
    first = spend(till, {"amount": 422})
    again = spend(till, {"amount": 422})
    assert first.status_code == again.status_code == 422
    assert first.json()["left"] == 7
    assert first.content == again.content
    assert first["Content-Type"] == again["Content-Type"] == "application/problem+json"
    assert again["Idempotency-Replayed"] == "true"
    assert Holiday.objects.count() == 0


@pytest.mark.parametrize(
    ("amount", "status"), [(403, 403), (500, 500), (0, 400)], ids=["refused", "broken", "invalid"]
)
def test_what_says_nothing_about_the_act_is_not_stored(till: Any, amount: int, status: int) -> None:
    assert spend(till, {"amount": amount}).status_code == status
    assert IdempotentAnswer.objects.count() == 0
    assert Holiday.objects.count() == 0
    assert spend(till, {"amount": 5}).status_code == 201


@pytest.mark.parametrize("refusal", [NotAllowed(), InvalidInput(field="amount")])
def test_a_refusal_that_asked_nothing_repeats_the_answer_that_there_is(
    till: Any, refusal: Exception
) -> None:
    first = spend(till, {"amount": 5})
    urls.hooks["refuse at once"] = refusal
    again = spend(till, {"amount": 5})
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert spend(till, {"amount": 6}).json()["code"] == "idempotency_mismatch"
    assert Holiday.objects.count() == IdempotentAnswer.objects.count() == 1


def test_a_refusal_that_asked_nothing_is_the_answer_to_its_key(till: Any) -> None:
    urls.hooks["refuse at once"] = InvalidInput(field="amount")
    first = spend(till, {"amount": 5})
    urls.hooks.clear()
    again = spend(till, {"amount": 5})
    assert (first.status_code, again.status_code) == (422, 422)
    assert again.content == first.content
    assert Holiday.objects.count() == 0


def test_the_key_goes_with_the_first_statement_of_the_act(till: Any) -> None:
    spend(till, {"amount": 5})
    with CaptureQueriesContext(connection) as queries:
        assert spend(till, {"amount": 5}, key="k-2").status_code == 201
    trips = [query["sql"] for query in queries]
    (first,) = (sql for sql in trips if "k-2" in sql and "accounts_market" in sql)
    assert first.index("k-2") < first.index("accounts_market")


def test_a_foreign_key_is_401_before_anything(till: Any) -> None:
    till.key = "rck_" + "x" * 52
    assert spend(till, {"amount": 5}).status_code == 401
    assert IdempotentAnswer.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_second_request_while_the_first_runs_gets_409(till: Any) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(20)

    urls.hooks["wait"] = wait
    answers: list[Any] = []

    def first() -> None:
        try:
            answers.append(spend(till, {"amount": 5}))
        finally:
            connections.close_all()

    worker = threading.Thread(target=first)
    worker.start()
    try:
        assert inside.wait(20)
        busy = spend(till, {"amount": 5})
        other = None
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM accounts_holiday")
            other = cursor.fetchone()
    finally:
        go_on.set()
        worker.join(20)
    assert busy.status_code == 409
    assert busy.json()["code"] == "idempotency_running"
    assert busy["Retry-After"] == "1"
    # Nothing of the running request was to be seen, and its answer came with its effect.
    assert other == (0,)
    assert answers[0].status_code == 201
    assert Holiday.objects.count() == IdempotentAnswer.objects.count() == 1
    urls.hooks.clear()
    assert spend(till, {"amount": 5}).content == answers[0].content


@pytest.mark.django_db(transaction=True)
def test_the_constraint_holds_where_the_lock_does_not(
    till: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the lock two requests run, and still only one has an effect."""
    numbers = iter(range(100))
    monkeypatch.setattr(idempotency, "_lock_number", lambda caller, key: next(numbers))
    both = threading.Barrier(2, timeout=20)
    urls.hooks["wait"] = both.wait
    answers: list[Any] = []

    def call() -> None:
        try:
            answers.append(spend(till, {"amount": 5}))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=call) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert both.n_waiting == 0
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert sorted("Idempotency-Replayed" in answer for answer in answers) == [False, True]
    assert Holiday.objects.count() == IdempotentAnswer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_answer_commits_with_the_effect(till: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("the store fails")

    monkeypatch.setattr(idempotency, "_store", broken)
    assert spend(till, {"amount": 5}).status_code == 500
    assert Holiday.objects.count() == 0
    assert IdempotentAnswer.objects.count() == 0
