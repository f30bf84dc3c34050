"""The floor of redeeming over HTTP: a Django without middleware, and one view of plain psycopg2.

It reads JSON, uses up a coupon with the least SQL that upholds the invariants, and answers JSON. No
sign-in, no throttling, no idempotency, no rules: what a program like that leaves out is in the
ratio. `gunicorn bench.bare:application` serves it, with the settings made here.
"""

import hashlib
import json
import os
import threading
from typing import Any

import psycopg2
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(ROOT_URLCONF="bench.bare", MIDDLEWARE=[], ALLOWED_HOSTS=["127.0.0.1"])

_USE = (
    "UPDATE floor_coupon SET state = 'redeemed', balance = 0 "
    "WHERE code_hash = %s AND state = 'issued' AND expires > now() RETURNING id"
)
# The statements of `floor.REDEEM`, one after the other as there.
_RECORD = (
    "INSERT INTO floor_redemption (coupon, external, amount) VALUES (%(id)s, %(external)s, 20000)",
    "INSERT INTO floor_ledger (grant_id, account, amount) "
    "VALUES (%(id)s, 'liability', 20000), (%(id)s, 'clearing', -20000)",
    "INSERT INTO floor_audit (act, object, after) "
    "VALUES ('redeemed', %(id)s, '{\"amount\": 20000}')",
)
_kept = threading.local()


def _link() -> Any:
    """This thread's connection."""
    if not hasattr(_kept, "link"):
        _kept.link = psycopg2.connect(os.environ["DATABASE_URL"])
    return _kept.link


def code_hash(number: int) -> bytes:
    """The hash under which `floor.prepare` stored the coupon of that number (negative)."""
    return hashlib.sha256(number.to_bytes(8, "big", signed=True)).digest()


def _answer(value: dict[str, object], status: int = 200) -> HttpResponse:
    body = json.dumps(value).encode()
    # The length is said, since a connection is kept only where the answer's end is known.
    return HttpResponse(
        body,
        status=status,
        content_type="application/json",
        headers={"Content-Length": str(len(body))},
    )


def redeem(request: HttpRequest) -> HttpResponse:
    """Uses up one coupon."""
    asked = json.loads(request.body)
    link = _link()
    with link, link.cursor() as cursor:
        cursor.execute(_USE, [code_hash(int(asked["code"]))])
        row = cursor.fetchone()
        if row is None:
            return _answer({"error": "not valid"}, 422)
        values = {"id": row[0], "external": asked["external_transaction_id"]}
        for statement in _RECORD:
            cursor.execute(statement, values)
    return _answer({"id": row[0], "amount": 20000})


def alive(_request: HttpRequest) -> HttpResponse:
    """Says that the server is up."""
    return _answer({})


urlpatterns = [path("redeem", redeem), path("alive", alive)]
application = WSGIHandler()
