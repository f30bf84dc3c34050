"""Failed codes are counted per client, terminal, address and customer, cache or no cache."""

import pytest
import time_machine
from django.core.cache import cache
from redis.exceptions import ConnectionError as Away

from accounts import guessing
from accounts.guessing import LIMITS, Origin, TooManyFailures
from common.cache import SteadyRedisCache


@pytest.fixture(autouse=True)
def _still() -> object:
    cache.clear()
    with time_machine.travel("2031-05-05T12:03:20Z", tick=False):
        yield


@pytest.mark.parametrize("scope", sorted(LIMITS))
def test_each_scope_has_its_own_room(scope: str) -> None:
    origin = Origin(**{scope: "a"})
    for _time in range(LIMITS[scope]):
        guessing.check(origin)
        guessing.failed(origin)
    with pytest.raises(TooManyFailures) as refusal:
        guessing.check(origin)
    assert refusal.value.status == 429
    assert refusal.value.extra["retry_after"] == 400
    guessing.check(Origin(**{scope: "b"}))


def test_looking_up_has_half_the_room() -> None:
    origin = Origin(terminal="t")
    for _time in range(LIMITS["terminal"] // 2):
        guessing.check(origin, looking_up=True)
        guessing.failed(origin)
    with pytest.raises(TooManyFailures):
        guessing.check(origin, looking_up=True)
    guessing.check(origin)


def test_a_new_window_starts_afresh() -> None:
    origin = Origin(customer="c")
    for _time in range(LIMITS["customer"]):
        guessing.failed(origin)
    with time_machine.travel("2031-05-05T12:10:00Z", tick=False):
        guessing.check(origin)


def test_nothing_known_of_the_origin_is_kept_in_the_clear() -> None:
    keys = Origin(client="till-7", address="203.0.113.9").keys(1)
    assert len(keys) == 2
    assert "till-7" not in str(keys)
    assert "203.0.113.9" not in str(keys)


def test_guessing_is_counted_when_the_cache_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def away(*args: object, **kwargs: object) -> None:
        calls.append(args)
        raise Away("refused")

    for name in ("get_many", "add", "incr"):
        monkeypatch.setattr(f"django.core.cache.backends.redis.RedisCache.{name}", away)
    monkeypatch.setattr(SteadyRedisCache, "_down_until", 0.0)
    origin = Origin(customer="c")
    for _time in range(LIMITS["customer"]):
        guessing.check(origin)
        guessing.failed(origin)
    with pytest.raises(TooManyFailures):
        guessing.check(origin)
    # The dead server was asked once and then left alone; the log says so.
    assert len(calls) == 1
    assert caplog.text.count("shared cache away") == 1
    SteadyRedisCache._down_until = 0.0
