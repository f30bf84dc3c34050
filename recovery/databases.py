"""Turns `DATABASE_URL`, `REDIS_URL` and `EMAIL_URL` into what Django and Celery take."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .env import Misconfigured


def database(url: str) -> dict[str, Any]:
    """`postgresql://role:password@host:port/name?host=/socket/folder&sslmode=...`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise Misconfigured("recovery: DATABASE_URL must start with postgresql://")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    port = options.pop("port", "") or str(parts.port or "")
    return {
        "ENGINE": "common.postgres",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": False,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "connect_timeout": 3,
            # A lock that is not had in time is a clear error, never a hung page.
            # A prepared statement looks for the same few rows every time: one plan serves it.
            "options": "-c lock_timeout=8s -c statement_timeout=30s "
            "-c plan_cache_mode=force_generic_plan",
            **options,
        },
    }


def cache_location(redis_url: str) -> str:
    """The same server for redis-py, on its second database, whatever form the broker's URL has."""
    if redis_url.startswith("redis+socket://"):
        path = redis_url.removeprefix("redis+socket://").partition("?")[0]
        return f"unix://{path}?db=1"
    return redis_url.rstrip("/").removesuffix("/0") + "/1"


def smtp(url: str) -> dict[str, Any]:
    """Django's EMAIL_* settings from `smtp[s]://user:password@host:port?tls=true`."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"}:
        raise Misconfigured("recovery: EMAIL_URL must start with smtp:// or smtps://")
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": dict(parse_qsl(parts.query)).get("tls") == "true",
        "EMAIL_TIMEOUT": 10,
    }
