"""Invariant 30: for every route, caller and thing of another market: refused, nothing changed,
nothing sent, and no hint that it exists. A route without a row in the table fails.

Success and denial share one set-up: the same request for a thing of one's own is taken, so that the
denial is for the right reason.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.tests.scenario import snapshot
from tests.access.asking import Caller, address, neutral, refused, tells_of_abroad
from tests.access.table import OPEN, ROWS, Act, Row
from tests.access.world import CALLERS, World, build_world

REGISTERED = list(admin.site._registry)
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def _prepared(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Both companies, built once for this module and rolled back with it."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(_prepared: World, db: None) -> Iterator[World]:
    cache.clear()
    with transaction.atomic():
        yield _prepared
        transaction.set_rollback(True)


def routes() -> Iterator[tuple[str, str]]:
    """Every pattern of the URLconf: its name with its namespace, and where it is."""

    def walk(resolver: URLResolver, space: str, before: str) -> Iterator[tuple[str, str]]:
        for entry in resolver.url_patterns:
            place = before + str(entry.pattern)
            if isinstance(entry, URLPattern):
                yield (f"{space}{entry.name}" if entry.name else place), place
            else:
                inner = f"{entry.namespace}:" if entry.namespace else space
                yield from walk(entry, inner, place)

    return walk(get_resolver(), "", "")


def is_look_up(place: str) -> bool:
    """Pages of one model in Django's admin; `test_look_up.py` sweeps them by model."""
    models = {f"admin/{model._meta.app_label}/{model._meta.model_name}/" for model in REGISTERED}
    return any(place.startswith(model) for model in models)


def test_every_route_has_its_row() -> None:
    found = {name for name, place in routes() if not is_look_up(place)}
    assert found == set(ROWS) | set(OPEN)


def test_no_row_is_in_both_tables() -> None:
    assert not set(ROWS) & set(OPEN)


def _request(act: Act, row: Row, world: World, side: Any = None) -> dict[str, Any]:
    side = side or world.home
    return {
        "method": act.method,
        "kwargs": row.kwargs(side),
        "query": act.query(side),
        "body": act.body(side),
    }


def _variants(act: Act, row: Row, world: World) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """One's own request with one name of it taken from abroad; and the same, from nowhere."""
    own = _request(act, row, world)
    abroad = _request(act, row, world, world.abroad)
    missing = _request(act, row, world, world.missing)
    for part in ("kwargs", "query", "body"):
        for name in own[part]:
            if own[part][name] != abroad[part][name]:
                yield tuple(  # type: ignore[misc]
                    {**own, part: {**own[part], name: other[part][name]}}
                    for other in (abroad, missing)
                )


def _ask(caller: Caller, name: str, request: dict[str, Any], row: Row) -> Any:
    return caller.ask(
        request["method"],
        address(name, request["kwargs"]),
        query=request["query"],
        body=request["body"],
        headers={"Idempotency-Key": uuid.uuid4().hex} if row.moves_value else {},
    )


def _beginning(answer: Any) -> bytes:
    """What an answer says first; nothing of one that is sent as it is written."""
    return b"" if answer.streaming else answer.content[:300]


# What a refusal leaves: the answer that is kept to be repeated, and the count of a code tried.
_OF_REFUSALS = {"accounts.IdempotentAnswer", "accounts.CodeFailures"}


def _state() -> dict[str, list[str]]:
    """Every row but those."""
    return {name: rows for name, rows in snapshot().items() if name not in _OF_REFUSALS}


def _kept(act: Any) -> Any:
    """Runs in a savepoint that is rolled back; whether any table was different at its end."""
    before = _state()
    with transaction.atomic():
        answer = act()
        changed = _state() != before
        transaction.set_rollback(True)
    return answer, changed


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_route_is_for_those_it_is_for(world: World, name: str) -> None:
    """Every caller without the role is refused their own market's things; nothing changes."""
    row = ROWS[name]
    callers = [Caller(one, world) for one in CALLERS]
    before = _state()
    for method in {act.method for act in row.acts}:
        acts = [act for act in row.acts if act.method == method]
        for caller in callers:
            if any(caller.name in act.who for act in acts):
                continue
            request = _request(acts[0], row, world)
            answer = _ask(caller, name, request, row)
            assert refused(answer, name), f"{caller.name} {method} got {answer.status_code}"
            assert not tells_of_abroad(answer, world)
    assert _state() == before
    assert mail.outbox == []


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_route_takes_what_is_ones_own(world: World, name: str) -> None:
    """The positive control: the very request of the denial, for one's own thing, is taken."""
    row = ROWS[name]
    for act in row.acts:
        for one in sorted(act.who):
            cache.clear()
            caller = Caller(one, world)
            request = _request(act, row, world)
            answer, changed = _kept(lambda: _ask(caller, name, request, row))  # noqa: B023
            seen = f"{one} {act.method} got {answer.status_code}: {_beginning(answer)!r}"
            assert answer.status_code in act.ok, seen
            assert not (answer.status_code == 302 and refused(answer, name)), seen
            assert not tells_of_abroad(answer, world), f"{one} {act.method}"
            if act.changes:
                assert changed, f"{one} {act.method} left nothing behind"


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_foreign_thing_does_not_exist(world: World, name: str) -> None:
    """Whatever names it, the answer is that for a thing that never was; nothing changes."""
    row = ROWS[name]
    callers = [Caller(one, world) for one in CALLERS]
    before = _state()
    for act in row.acts:
        for foreign, missing in _variants(act, row, world):
            for caller in callers:
                cache.clear()
                answer = _ask(caller, name, foreign, row)
                cache.clear()
                other = _ask(caller, name, missing, row)
                seen = f"{caller.name} {act.method} {foreign}"
                sides = (world.abroad, world.missing)
                assert neutral(answer, *sides) == neutral(other, *sides), seen
                assert not tells_of_abroad(answer, world), seen
                if foreign["kwargs"] != row.kwargs(world.home):
                    assert refused(answer, name), f"{seen} got {answer.status_code}"
    assert _state() == before
    assert mail.outbox == []


@pytest.mark.parametrize("name", sorted(OPEN))
def test_an_open_route_changes_and_tells_nothing(world: World, name: str) -> None:
    callers = [Caller(one, world) for one in CALLERS]
    path = OPEN[name].get("path") or address(name, OPEN[name])
    before = _state()
    for caller in callers:
        for method in ("GET", "POST"):
            answer = caller.ask(method, path, query={}, body={}, headers={})
            assert answer.status_code < 500 or name == "api-ready", f"{caller.name} {method}"
            assert not tells_of_abroad(answer, world), f"{caller.name} {method}"
    assert _state() == before
    assert mail.outbox == []


def test_the_sweep_would_notice(world: World) -> None:
    """The negative control: a page that shows a foreign name is seen, and so is a change."""
    from django.http import HttpResponse

    assert tells_of_abroad(HttpResponse("Hotel Ajena Cancún"), world)
    assert not tells_of_abroad(HttpResponse(world.abroad.folio), world)
    before = _state()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_location SET kind = 'x' WHERE id = %s", [world.home.location]
        )
    assert _state() != before
