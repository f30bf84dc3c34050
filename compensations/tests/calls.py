"""Calling the API as a program does, and proving that nothing changed."""

import json
from typing import Any

from django.db import connection
from django.test import Client

from accounts.actions import create_access_token, create_api_client
from accounts.models import ApiClient, Market, Staff
from common.ids import uuid7

V1 = "/api/v1"


class Caller:
    """One key and what is sent with it. Answers carry their JSON as `.json()`."""

    def __init__(self, key: str = "", **defaults: Any) -> None:
        self.http = Client(**defaults)
        self.key = key

    def _headers(self, idempotency_key: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return headers

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(V1 + path, query, headers=self._headers(None))

    def post(self, path: str, body: Any, key: str | None = "fresh") -> Any:
        """`key` None sends no Idempotency-Key; left out, one never used before."""
        return self.http.post(
            V1 + path,
            json.dumps(body),
            content_type="application/json",
            headers=self._headers(uuid7().hex if key == "fresh" else key),
        )

    def patch(self, path: str, body: Any) -> Any:
        return self.http.patch(
            V1 + path,
            json.dumps(body),
            content_type="application/json",
            headers=self._headers(None),
        )


def as_staff(staff: Staff) -> Caller:
    """The person with a key of their own."""
    return Caller(create_access_token(staff=staff, by=staff)[1])


def as_client(market: Market, by: Staff, *scopes: str) -> tuple[ApiClient, Caller]:
    """A new client of the market with these scopes."""
    name = f"client {uuid7().hex[-6:]}"
    client, key = create_api_client(market=market, name=name, scopes=list(scopes), by=by)
    return client, Caller(key)


def everything(*, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Row count and checksum of every table, except those named."""
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            if table in but:
                continue
            name = connection.ops.quote_name(table)
            cursor.execute(
                f"SELECT count(*) || ':' || coalesce(md5(string_agg(row::text, '|' "  # noqa: S608
                f"ORDER BY row::text)), '') FROM {name} AS row"
            )
            found[table] = cursor.fetchone()[0]
    return found
