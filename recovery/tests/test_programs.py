"""The short way of programs: as well protected as the long one, and closed to everybody else."""

from typing import Any

import pytest
from django.test import Client
from django.test.client import RequestFactory

from accounts.tests.factories import ApiClientFactory, MarketFactory
from recovery.programs import ProgramsMiddleware

pytestmark = pytest.mark.django_db
PROTECTING = (
    "X-Frame-Options",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Content-Language",
    "Content-Length",
)


def _key() -> dict[str, str]:
    client: Any = ApiClientFactory(market=MarketFactory())
    return {"Authorization": f"Bearer {client.key}"}


def test_an_answer_is_protected_as_on_the_long_way() -> None:
    short = Client().get("/api/v1/health/live", headers=_key())
    long = Client().get("/api/v1/health/live")
    assert (short.status_code, short.content) == (long.status_code, long.content)
    for name in PROTECTING:
        assert short[name] == long[name], name
    policies = [set(answer["Content-Security-Policy"].split("; ")) for answer in (short, long)]
    assert policies[0] == policies[1]
    assert len(short["X-Request-Id"]) == 32
    assert "Accept-Language" in short["Vary"]


def test_the_language_asked_for_is_spoken() -> None:
    for language, words in (("es", "Esta llave"), ("en", "This key")):
        answer = Client().get(
            "/api/v1/me", headers={"Authorization": "Bearer rck_x", "Accept-Language": language}
        )
        assert answer.status_code == 401
        assert answer["Content-Language"] == language
        assert answer.json()["detail"].startswith(words)


def test_a_foreign_host_is_refused() -> None:
    answer = Client().get("/api/v1/me", headers={**_key(), "Host": "elsewhere.example"})
    assert answer.status_code == 400


def test_a_connection_without_tls_is_sent_away(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/api/v1/me", headers=_key())
    assert answer.status_code == 301
    assert answer["Location"].startswith("https://")


@pytest.mark.parametrize(
    ("path", "key"),
    [("/incidents/", "Bearer rck_x"), ("/api/v1/me", ""), ("/api/v1/me", "Basic x")],
)
def test_everybody_else_goes_the_long_way(path: str, key: str) -> None:
    asked: list[str] = []

    def long_way(request: object) -> object:
        asked.append("long")
        return None

    request = RequestFactory().get(path, headers={"Authorization": key} if key else {})
    ProgramsMiddleware(long_way)(request)  # type: ignore[arg-type]
    assert asked == ["long"]
