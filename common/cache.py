"""The shared cache, and what happens when it is away.

It holds only counts of sign-ins and who has a case open, so losing it must neither fail a page nor
open a door: each process then counts on its own for a while, and says so in the log.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
T = TypeVar("T")

# Seconds for which the server is left alone after a failure, so that pages do not queue for it.
REST = 5.0


class _KeptClient(RedisCacheClient):
    """Makes one client for each server, where Django makes one for each call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._clients:
            self._clients[write] = super().get_client(key, write=write)
        return self._clients[write]


class SteadyRedisCache(RedisCache):
    """Django's Redis cache with a per-process stand-in."""

    _down_until = 0.0

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _KeptClient
        self._own = LocMemCache("steady", {})

    def _either(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        if time.monotonic() < SteadyRedisCache._down_until:
            return own()
        try:
            return shared()
        except RedisError as error:
            SteadyRedisCache._down_until = time.monotonic() + REST
            log.warning("shared cache away, counting per process: %s", type(error).__name__)
            return own()

    def add(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        return self._either(
            lambda: super(SteadyRedisCache, self).add(key, *args, **kwargs),
            lambda: self._own.add(key, *args, **kwargs),
        )

    def get(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        return self._either(
            lambda: super(SteadyRedisCache, self).get(key, *args, **kwargs),
            lambda: self._own.get(key, *args, **kwargs),
        )

    def set(self, key: Any, *args: Any, **kwargs: Any) -> None:
        self._either(
            lambda: super(SteadyRedisCache, self).set(key, *args, **kwargs),
            lambda: self._own.set(key, *args, **kwargs),
        )

    def incr(self, key: Any, *args: Any, **kwargs: Any) -> int:
        return self._either(
            lambda: super(SteadyRedisCache, self).incr(key, *args, **kwargs),
            lambda: self._own.incr(key, *args, **kwargs),
        )

    def touch(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        return self._either(
            lambda: super(SteadyRedisCache, self).touch(key, *args, **kwargs),
            lambda: self._own.touch(key, *args, **kwargs),
        )

    def delete(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        return self._either(
            lambda: super(SteadyRedisCache, self).delete(key, *args, **kwargs),
            lambda: self._own.delete(key, *args, **kwargs),
        )

    def has_key(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        return self._either(
            lambda: super(SteadyRedisCache, self).has_key(key, *args, **kwargs),
            lambda: self._own.has_key(key, *args, **kwargs),
        )
