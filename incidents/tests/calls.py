"""Calling the API as a program does."""

import json
from typing import Any

from django.test import Client

from accounts.models import Market, Staff
from accounts.tests.factories import AccessTokenFactory, ApiClientFactory

V1 = "/api/v1"


class Caller:
    """One key and what is sent with it."""

    def __init__(self, key: str = "") -> None:
        self.http = Client()
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(V1 + path, query, headers=self.headers)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Any:
        return self.http.generic(
            method,
            V1 + path,
            json.dumps(body),
            content_type="application/json",
            headers={**self.headers, **headers},
        )

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)


def as_staff(staff: Staff) -> Caller:
    token: Any = AccessTokenFactory.create(staff=staff)
    return Caller(token.key)


def as_client(market: Market, *scopes: str) -> Caller:
    client: Any = ApiClientFactory.create(market=market, scopes=list(scopes))
    return Caller(client.key)
