"""Failed codes are counted per client, terminal, address and customer, for ten minutes."""

import datetime as dt

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F

from accounts import guessing
from accounts.guessing import LIMITS, Origin, TooManyFailures
from accounts.models import CodeFailures
from accounts.periodic import forget_failures
from common.prepared import Statement, together

pytestmark = pytest.mark.django_db


def _minutes_pass(minutes: int) -> None:
    CodeFailures.objects.update(until=F("until") - dt.timedelta(minutes=minutes))


@pytest.mark.parametrize("scope", sorted(LIMITS))
def test_each_scope_has_its_own_room(scope: str) -> None:
    origin = Origin(**{scope: "a"})
    for _time in range(LIMITS[scope]):
        guessing.check(origin)
        guessing.failed(origin)
    _minutes_pass(4)
    with pytest.raises(TooManyFailures) as refusal:
        guessing.check(origin)
    assert refusal.value.status == 429
    assert 350 < refusal.value.extra["retry_after"] <= 360
    guessing.check(Origin(**{scope: "b"}))


@pytest.mark.parametrize("scope", sorted(LIMITS))
def test_an_act_is_refused_by_the_statement_before_it_as_by_a_look(scope: str) -> None:
    origin = Origin(**{scope: "a"})
    act: Statement = ("SELECT 7", [])
    for _time in range(LIMITS[scope]):
        assert together(guessing.guard(origin), act) == (7,)
        guessing.failed(origin)
    with pytest.raises(DatabaseError) as error:
        together(guessing.guard(origin), act)
    refusal = guessing.stopped(error.value)
    assert refusal is not None
    assert 590 < refusal.extra["retry_after"] <= 600
    with pytest.raises(TooManyFailures) as looked:
        guessing.check(origin)
    assert str(looked.value) == str(refusal)
    assert together(guessing.guard(Origin(**{scope: "b"})), act) == (7,)


def test_another_error_is_no_refusal_of_a_guess() -> None:
    with transaction.atomic(), pytest.raises(DatabaseError) as error:
        together(guessing.guard(Origin(client="a")), ("SELECT 1 / %s", [0]))
    assert guessing.stopped(error.value) is None


def test_looking_up_has_half_the_room() -> None:
    origin = Origin(terminal="t")
    for _time in range(LIMITS["terminal"] // 2):
        guessing.check(origin, looking_up=True)
        guessing.failed(origin)
    with pytest.raises(TooManyFailures):
        guessing.check(origin, looking_up=True)
    guessing.check(origin)


def test_after_ten_minutes_counting_starts_afresh() -> None:
    origin = Origin(customer="c")
    for _time in range(LIMITS["customer"]):
        guessing.failed(origin)
    _minutes_pass(11)
    guessing.check(origin)
    guessing.failed(origin)
    assert CodeFailures.objects.get().failures == 1
    guessing.check(origin)


def test_the_ten_minutes_begin_with_the_first_failure() -> None:
    guessing.failed(Origin(customer="c"))
    _minutes_pass(9)
    guessing.failed(Origin(customer="c"))
    _minutes_pass(2)
    guessing.failed(Origin(customer="c"))
    assert CodeFailures.objects.get().failures == 1


def test_a_pile_of_failures_is_said_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for _time in range(LIMITS["terminal"]):
        guessing.failed(Origin(terminal="t"))
    assert caplog.text.count("many codes do not work, per terminal") == 1


def test_nothing_known_of_the_origin_is_kept_in_the_clear() -> None:
    guessing.failed(Origin(client="till-7", address="203.0.113.9"))
    kept = list(CodeFailures.objects.values_list())
    assert len(kept) == 2
    assert "till-7" not in str(kept)
    assert "203.0.113.9" not in str(kept)


def test_the_same_words_in_two_scopes_are_two_origins() -> None:
    guessing.failed(Origin(client="x", terminal="x"))
    assert {row.scope for row in CodeFailures.objects.all()} == {"client", "terminal"}


def test_counts_that_are_over_are_removed() -> None:
    guessing.failed(Origin(client="a"))
    _minutes_pass(11)
    guessing.failed(Origin(client="b"))
    assert forget_failures() == 1
    assert CodeFailures.objects.count() == 1
