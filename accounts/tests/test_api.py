"""The ground of the API: who calls, what is read, how it is refused and paged, what it costs."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions
from accounts.models import AccessToken, ApiClient, Holiday
from accounts.states import Role, Scope

from .factories import AccessTokenFactory, ApiClientFactory, MarketFactory, StaffFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.urls")]


def get(path: str, key: str = "", **headers: str) -> Any:
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return Client().get(path, headers=headers)


class TestAuthentication:
    def test_nobody_is_asked_to_sign_in(self) -> None:
        answer = get("/api/v1/me", **{"Accept-Language": "en"})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_authenticated"
        assert answer.json()["title"] == "A key is needed."

    @pytest.mark.parametrize(
        "key", ["rck_nothing", "rst_nothing", "abc", "rck_" + "x" * 500, "rck_\x00"]
    )
    def test_a_strange_key_opens_nothing(self, key: str) -> None:
        assert get("/api/v1/me", key).status_code == 401

    @pytest.mark.parametrize(
        "end",
        [
            lambda row: ApiClient.objects.filter(pk=row.pk).update(revoked_at=timezone.now()),
            lambda row: ApiClient.objects.filter(pk=row.pk).update(
                expires_at=timezone.now() - dt.timedelta(seconds=1)
            ),
            lambda row: actions.change_market(
                market=row.market,
                is_active=False,
                by=StaffFactory.create(market=row.market, roles=[Role.ADMINISTRATOR]),
            ),
        ],
        ids=["revoked", "expired", "market inactive"],
    )
    def test_a_client_ends_with_its_next_request(self, end: Callable[[Any], Any]) -> None:
        client: Any = ApiClientFactory.create()
        assert get("/api/v1/me", client.key).status_code == 200
        end(client)
        assert get("/api/v1/me", client.key).status_code == 401

    @pytest.mark.parametrize(
        "end",
        [
            lambda row: AccessToken.objects.filter(pk=row.pk).update(revoked_at=timezone.now()),
            lambda row: AccessToken.objects.filter(pk=row.pk).update(expires_at=timezone.now()),
            lambda row: type(row.staff).objects.filter(pk=row.staff_id).update(is_active=False),
        ],
        ids=["revoked", "expired", "inactive"],
    )
    def test_a_person_ends_with_the_next_request(self, end: Callable[[Any], Any]) -> None:
        token: Any = AccessTokenFactory.create()
        assert get("/api/v1/me", token.key).status_code == 200
        end(token)
        assert get("/api/v1/me", token.key).status_code == 401

    def test_a_session_needs_its_csrf_token_to_write(self) -> None:
        staff = StaffFactory.create(roles=[Role.AGENT])
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(staff)
        assert browser.get("/api/v1/me").json()["id"] == str(staff.pk)
        answer = browser.post(
            "/spend", {"amount": 1}, "application/json", headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 403

    def test_a_key_costs_one_query_and_writes_nothing(self, settings: Any) -> None:
        settings.PREPARED_STATEMENTS = False  # so that the statement's text is seen
        client: Any = ApiClientFactory.create()
        browser = Client()
        browser.force_login(StaffFactory.create())
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = browser.get("/guarded", headers={"Authorization": f"Bearer {client.key}"})
        assert answer.json() == {"who": str(client.pk)}
        assert len(queries) == 1
        # Before it may stand the end of this test's own savepoint.
        assert queries[0]["sql"].rpartition("; ")[2].startswith("SELECT")

    def test_a_replay_costs_few_statements(self) -> None:
        client: Any = ApiClientFactory.create()
        headers = {"Authorization": f"Bearer {client.key}", "Idempotency-Key": "k"}
        for expected in (None, 3):
            with CaptureQueriesContext(connection) as queries:
                Client().post("/spend", {"amount": 1}, "application/json", headers=headers)
            if expected:
                # The act's first, for which the lock refuses; the answer; and what waits for the
                # disk. The key is remembered.
                assert len(queries) == expected


class TestMe:
    def test_staff(self) -> None:
        market = MarketFactory.create()
        token: Any = AccessTokenFactory.create(
            staff=StaffFactory.create(market=market, roles=[Role.AGENT, Role.CASHIER])
        )
        body = get("/api/v1/me", token.key).json()
        assert body["kind"] == "staff"
        assert body["markets"] == [
            {
                "code": market.code,
                "name": market.name,
                "currency": "MXN",
                "roles": ["agent", "cashier"],
            }
        ]

    def test_client(self) -> None:
        client: Any = ApiClientFactory.create(scopes=[Scope.COUPONS_REDEEM])
        body = get("/api/v1/me", client.key).json()
        assert body["kind"] == "client"
        assert body["scopes"] == ["coupons:redeem"]
        assert body["market"] == client.market.code
        assert "key" not in json.dumps(body)


class TestPermissions:
    @pytest.mark.parametrize(
        ("roles", "status"), [([Role.CASHIER], 200), ([Role.AGENT], 403), ([], 403)]
    )
    def test_roles(self, roles: list[Role], status: int) -> None:
        token: Any = AccessTokenFactory.create(staff=StaffFactory.create(roles=roles))
        assert get("/guarded", token.key).status_code == status

    @pytest.mark.parametrize(
        ("scopes", "status"), [([Scope.COUPONS_REDEEM], 200), ([Scope.CUSTOMERS_WRITE], 403)]
    )
    def test_scopes(self, scopes: list[Scope], status: int) -> None:
        client: Any = ApiClientFactory.create(scopes=scopes)
        assert get("/guarded", client.key).status_code == status


class TestReading:
    @pytest.fixture
    def post(self) -> Callable[..., Any]:
        client: Any = ApiClientFactory.create()

        def send(body: bytes | str, kind: str = "application/json") -> Any:
            return Client().post(
                "/spend",
                body,
                content_type=kind,
                headers={
                    "Authorization": f"Bearer {client.key}",
                    "Idempotency-Key": "k",
                    "Accept-Language": "en",
                },
            )

        return send

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "{",
            '{"amount": 1, "amount": 2}',
            '{"amount": NaN}',
            b"\xff\xfe",
            "[" * 5000,
            '{"a":' * 9 + "1" + "}" * 9,
            '{"amount": ' + "9" * 5000 + "}",
        ],
        ids=["empty", "cut", "twice", "nan", "bytes", "brackets", "deep", "huge number"],
    )
    def test_strange_bodies_are_400(self, post: Callable[..., Any], body: str) -> None:
        answer = post(body)
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert Holiday.objects.count() == 0

    def test_a_large_body_is_413(self, post: Callable[..., Any]) -> None:
        answer = post(json.dumps({"note": "x" * 140_000}))
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"

    def test_a_very_large_body_is_413(self, post: Callable[..., Any]) -> None:
        assert post(json.dumps({"note": "x" * 1_400_000})).status_code == 413

    def test_a_form_is_415(self, post: Callable[..., Any]) -> None:
        assert post("amount=1", "application/x-www-form-urlencoded").status_code == 415

    def test_unknown_fields_are_named_with_all_else_that_is_wrong(
        self, post: Callable[..., Any]
    ) -> None:
        answer = post('{"amount": 5000, "colour": "red", "made": "x"}')
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"amount", "colour", "made"}
        assert answer.json()["code"] == "invalid"
        assert answer.json()["request_id"] == answer["X-Request-Id"]

    @pytest.mark.parametrize("body", ["[]", '"x"', "3", "null"])
    def test_only_an_object_will_do(self, post: Callable[..., Any], body: str) -> None:
        answer = post(body)
        assert answer.status_code == 400
        assert answer.json()["title"] == "Some fields are not valid."
        assert "dictionary" not in answer.content.decode()

    @pytest.mark.parametrize("note", ["\\u0000", "\\ud800"])
    def test_signs_that_no_text_has(self, post: Callable[..., Any], note: str) -> None:
        answer = post(f'{{"amount": 1, "note": "{note}"}}')
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"note"}

    def test_words_are_in_the_readers_language(self, post: Callable[..., Any]) -> None:
        answer = Client().get("/api/v1/me", headers={"Accept-Language": "es"})
        assert answer["Content-Language"] == "es"

    def test_another_method_is_405(self) -> None:
        client: Any = ApiClientFactory.create()
        answer = Client().delete("/spend", headers={"Authorization": f"Bearer {client.key}"})
        assert answer.status_code == 405
        assert answer.json()["code"] == "method_not_allowed"
        assert "POST" in answer["Allow"]


class TestBroken:
    def test_an_error_of_the_code_is_a_problem_without_its_words(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        client: Any = ApiClientFactory.create()
        headers = {"Authorization": f"Bearer {client.key}", "Idempotency-Key": "k"}
        browser = Client(raise_request_exception=False)
        answer = browser.post("/spend", {"amount": 500}, "application/json", headers=headers)
        assert answer.status_code == 500
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "internal"
        assert "on purpose" not in answer.content.decode()
        assert "on purpose" in caplog.text
        assert Holiday.objects.count() == 0

    def test_a_database_that_is_away_is_503(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*args: object, **kwargs: object) -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr("accounts.health.database", away)
        answer = get("/api/v1/health/ready")
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert answer["Retry-After"] == "5"


class TestPages:
    @pytest.fixture
    def key(self) -> str:
        client: Any = ApiClientFactory.create()
        Holiday.objects.bulk_create(
            Holiday(market=client.market, date=dt.date(2031, 1, day), name=f"h{day}")
            for day in range(1, 8)
        )
        return str(client.key)

    def test_each_row_once_newest_first(self, key: str) -> None:
        seen: list[str] = []
        url: str | None = "/holidays?page_size=3"
        pages = 0
        while url:
            body = get(url, key).json()
            seen += [row["name"] for row in body["results"]]
            url = body["next"]
            pages += 1
        assert seen == [f"h{day}" for day in range(7, 0, -1)]
        assert pages == 3

    def test_back_again(self, key: str) -> None:
        first = get("/holidays?page_size=3", key).json()
        second = get(first["next"], key).json()
        assert get(second["previous"], key).json()["results"] == first["results"]

    @pytest.mark.parametrize("cursor", ["x", "cD14", "cD0n", "!!!", "bz05OTk5OTk5OTk=", "a" * 5000])
    def test_a_strange_cursor_is_400(self, key: str, cursor: str) -> None:
        answer = get(f"/holidays?cursor={cursor}", key)
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"cursor"}


class TestHealth:
    def test_live_asks_nothing(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert get("/api/v1/health/live").json() == {"status": "ok"}
        assert len(queries) == 0

    def test_ready(self) -> None:
        answer = get("/api/v1/health/ready")
        assert answer.status_code == 200
        assert answer.json()["checks"] == {"database": "ok", "migrations": "ok", "broker": "ok"}

    def test_not_ready_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("accounts.health.broker", lambda: False)
        answer = get("/api/v1/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["broker"] == "unavailable"
        assert answer["Retry-After"] == "5"
