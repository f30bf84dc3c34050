"""A shared cache that is away fails nothing and forgets nothing that a process counted."""

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as Away

from common.cache import SteadyRedisCache


def test_without_the_server_each_process_counts_on_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.clear()
    calls = []

    def away(*args: object, **kwargs: object) -> None:
        calls.append(args)
        raise Away("refused")

    for name in ("get", "add", "incr"):
        monkeypatch.setattr(f"django.core.cache.backends.redis.RedisCache.{name}", away)
    monkeypatch.setattr(SteadyRedisCache, "_down_until", 0.0)
    cache.add("sign-ins", 0)
    assert [cache.incr("sign-ins") for _time in range(3)] == [1, 2, 3]
    assert cache.get("sign-ins") == 3
    # The dead server was asked once and then left alone; the log says so.
    assert len(calls) == 1
    assert caplog.text.count("shared cache away") == 1
