"""The same request twice gives the same answer and one effect.

For POST endpoints that move value. One transaction holds the effect and the stored answer. A
refusal is stored too, after its effect was rolled back; what says nothing about the act (400, 401,
403, 404, 429, 5xx) is not, so that the key can be used again.

The advisory lock keeps two requests with one key from running side by side; the unique constraint
is what makes a second effect impossible even where the lock would fail.
"""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import connection, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import LateRefusal, Refusal
from common.prepared import prepared
from common.rows import Batch, last_act

from ..models import IdempotentAnswer
from . import problems

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_ONCE = "idempotency_key_once"
NOT_STORED = frozenset({400, 401, 403, 404, 429})
_VISIBLE = re.compile(r"[\x21-\x7e]{1,128}")

V = TypeVar("V", bound=APIView)
P = ParamSpec("P")
Method = Callable[Concatenate[V, Request, P], Response]
Answering = Callable[Concatenate[V, Request, P], HttpResponse]

PARAMETER = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 128 visible characters. Repeating it with the same body repeats the answer.",
)


class KeyRequired(Refusal):
    code = "idempotency_key_required"
    status = 400
    default_message = _("Send an Idempotency-Key header of 1 to 128 visible characters.")


class KeyMismatch(Refusal):
    code = "idempotency_mismatch"
    status = 422
    default_message = _("This key was used before with another request.")


class KeyRunning(Refusal):
    code = "idempotency_running"
    default_message = _("The first request with this key is still running. Ask again in a moment.")


def request_hash(request: Request) -> bytes:
    """What two equal requests share: method, path and body, whatever the order of its fields."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    line = f"{request.method} {request.path}\n{body}"
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest()


def _lock_number(caller: str, key: str) -> int:
    digest = hashlib.sha256(f"{caller}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_ENTER = """
SELECT held, answer.request_hash, answer.status, answer.body
FROM (SELECT pg_try_advisory_xact_lock(%s) AS held OFFSET 0) AS attempt
LEFT JOIN accounts_idempotentanswer AS answer
  ON attempt.held AND answer.caller = %s AND answer.key = %s
"""


def _enter(caller: str, key: str, wanted: bytes) -> HttpResponse | None:
    """Takes the key's lock; the stored answer, if there is one. Raises KeyRunning, KeyMismatch."""
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _ENTER), [_lock_number(caller, key), caller, key])
        held, stored, status, body = cursor.fetchone()
    if not held:
        raise KeyRunning(extra={"retry_after": 1})
    return None if stored is None else _replay(bytes(stored), wanted, status, body)


def _replay(stored: bytes, wanted: bytes, status: int, body: str) -> HttpResponse:
    if stored != wanted:
        raise KeyMismatch
    response = _response(body, status)
    response[REPLAYED] = "true"
    return response


def _response(body: str, status: int) -> HttpResponse:
    kind = "application/json" if status < 400 else problems.CONTENT_TYPE
    return HttpResponse(body, status=status, content_type=kind)


def _render(data: Any) -> str:
    return JSONRenderer().render(data).decode()


_STORE = (
    "INSERT INTO accounts_idempotentanswer (caller, key, request_hash, status, body) "
    "VALUES (%s, %s, %s, %s, %s)"
)


def _store(left: Batch, caller: str, key: str, wanted: bytes, status: int, body: str) -> None:
    """Writes the answer with what the act left to send; the commit goes along.

    Raises _Collision where another request with the key has committed.
    """
    answer = Batch()
    answer.add(_STORE, [caller, key, wanted, status, body])
    answer.means(_ONCE, _Collision)
    # What is hot is locked by the act's last statement, so the answer goes before it.
    answer.join(left)
    answer.send(and_commit=True)


def _after_collision(caller: str, key: str, wanted: bytes) -> HttpResponse:
    """Another request with the key committed first: its answer is the answer."""
    other = IdempotentAnswer.objects.get(caller=caller, key=key)
    return _replay(bytes(other.request_hash), wanted, other.status, other.body)


def idempotent(method: Method[V, P]) -> Answering[V, P]:
    """Decorates `post` of an endpoint that moves value. The answer is rendered JSON."""
    return _answering(method, lambda: nullcontext(Batch()))


def idempotent_act(method: Method[V, P]) -> Answering[V, P]:
    """As `idempotent`, where the endpoint does one act and reads nothing from the database after.

    What the act writes last is sent together with the answer, and committed.
    """
    return _answering(method, last_act)


def _answering(
    method: Method[V, P], acting: Callable[[], AbstractContextManager[Batch]]
) -> Answering[V, P]:
    @wraps(method)
    def once(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        key = request.headers.get(HEADER, "")
        if not _VISIBLE.fullmatch(key):
            raise KeyRequired
        caller = str(request.user.pk)
        wanted = request_hash(request)
        try:
            with transaction.atomic():
                stored = _enter(caller, key, wanted)
                if stored is not None:
                    return stored
                with acting() as left:
                    response = method(view, request, *args, **kwargs)
                body = _render(response.data)
                _store(left, caller, key, wanted, response.status_code, body)
            return _response(body, response.status_code)
        except _Collision:
            return _after_collision(caller, key, wanted)
        except (KeyRunning, KeyMismatch):
            raise
        except LateRefusal as late:
            return _refused(late.in_words(), caller, key, wanted)
        except Refusal as refusal:
            return _refused(refusal, caller, key, wanted)

    return extend_schema(parameters=[PARAMETER])(once)


class _Collision(Exception):
    """The unique constraint found an answer that the lock should have kept out."""


def _refused(refusal: Refusal, caller: str, key: str, wanted: bytes) -> HttpResponse:
    """The effect is rolled back by now; the refusal is stored as the answer to this key."""
    if refusal.status in NOT_STORED or refusal.status >= 500:
        raise refusal
    body = _render(problems.of_refusal(refusal))
    try:
        with transaction.atomic():
            _store(Batch(), caller, key, wanted, refusal.status, body)
    except _Collision:
        return _after_collision(caller, key, wanted)
    response = _response(body, refusal.status)
    for name, value in problems.headers_for(refusal).items():
        response[name] = value
    return response
