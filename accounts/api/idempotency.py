"""The same request twice gives the same answer and one effect.

For POST endpoints that move value. One transaction holds the effect and the stored answer. A
refusal is stored too, after its effect was rolled back; what says nothing about the act (400, 401,
403, 404, 429, 5xx) is not, so that the key can be used again.

The advisory lock keeps two requests with one key from running side by side, and is had on the trip
of the act's first statement; the unique constraint is what makes a second effect impossible even
where the lock would fail.
"""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import LateRefusal, Refusal
from common.prepared import Statement, send_along
from common.rows import Batch, last_act, said_by_guard, violated
from common.transactions import after_what_was_read

from ..answers import Answering
from ..models import IdempotentAnswer
from . import problems
from .authentication import read_now
from .remembered import CHANGED, CONFIRM, KeyAsRead, confirms_key

HEADER = "Idempotency-Key"
_META = "HTTP_IDEMPOTENCY_KEY"
REPLAYED = "Idempotency-Replayed"
_ONCE = "idempotency_key_once"
NOT_STORED = frozenset({400, 401, 403, 404, 429})
_VISIBLE = re.compile(r"[\x21-\x7e]{1,128}")

V = TypeVar("V", bound=APIView)
P = ParamSpec("P")
Method = Callable[Concatenate[V, Request, P], Response]
Answered = Callable[Concatenate[V, Request, P], HttpResponse]

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


_in_one_order = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def request_hash(request: Request) -> bytes:
    """What two equal requests share: method, path and body, whatever the order of its fields."""
    line = f"{request.method} {request.path}\n{_in_one_order(request.data)}"
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest()


def _lock_number(caller: str, key: str) -> int:
    digest = hashlib.sha256(f"{caller}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_ENTER = "SELECT guard_once(%s, %s, %s)"
_ENTER_AS_READ = f"SELECT {CONFIRM}, guard_once(%s, %s, %s)"
# How the database says that another request with the key is running, or has its answer.
_RUNNING, _ANSWERED = "RC001", "RC002"


def _guard(request: Request, caller: str, key: str) -> Statement:
    """The statement that takes the key's lock for a transaction, and confirms who calls.

    It raises a DatabaseError, see `_instead`, for a key that is in use or has its answer.
    """
    values = [_lock_number(caller, key), caller, key]
    known = request.auth
    if isinstance(known, KeyAsRead):
        return _ENTER_AS_READ, [known.sent, known.state, *values]
    return _ENTER, values


def _enter(request: Request, caller: str, key: str) -> None:
    """Guards the key from the transaction's next statement on."""
    send_along(*_guard(request, caller, key))


def _instead(error: DatabaseError, caller: str, key: str, wanted: bytes) -> HttpResponse:
    """The stored answer, where that is what the database said. Raises KeyRunning, KeyMismatch."""
    said = said_by_guard(error)
    if said == _RUNNING:
        raise KeyRunning(extra={"retry_after": 1}) from error
    if said == _ANSWERED or violated(error) == _ONCE:
        stored = _stored(caller, key, wanted)
        if stored is not None:
            return stored
    raise error


def _stored(caller: str, key: str, wanted: bytes) -> HttpResponse | None:
    """The answer to an earlier request with the key, if there was one. Raises KeyMismatch."""
    answer = IdempotentAnswer.objects.filter(caller=caller, key=key).first()
    if answer is None:
        return None
    after_what_was_read()
    return _replay(bytes(answer.request_hash), wanted, answer.status, answer.body)


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
    """Writes the answer with what the act left to send; the commit goes along."""
    answer = Batch()
    answer.add(_STORE, [caller, key, wanted, status, body])
    # What is hot is locked by the act's last statement, so the answer goes before it.
    answer.join(left)
    answer.send(and_commit=True)


def idempotent(method: Method[V, P]) -> Answered[V, P]:
    """Decorates `post` of an endpoint that moves value. The answer is rendered JSON."""
    return _answering(method, lambda: nullcontext(Batch()))


def idempotent_act(method: Method[V, P]) -> Answered[V, P]:
    """As `idempotent`, where the endpoint does one act and reads nothing from the database after.

    What the act writes last is sent together with the answer, and committed.
    """
    return _answering(method, last_act)


def idempotent_at_once(
    at_once: Callable[[Request, Answering], str | None],
) -> Callable[[Method[V, P]], Answered[V, P]]:
    """As `idempotent`, where `at_once` tries the whole act in one statement first.

    It stores the answer in that statement and gives its text; None, with nothing changed, leaves
    the request to the method. It raises what the method raises.
    """
    return lambda method: _answering(method, lambda: nullcontext(Batch()), at_once)


def _answering(
    method: Method[V, P],
    acting: Callable[[], AbstractContextManager[Batch]],
    at_once: Callable[[Request, Answering], str | None] | None = None,
) -> Answered[V, P]:
    @wraps(method)
    def once(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        key = request.META.get(_META, "")
        if not _VISIBLE.fullmatch(key):
            raise KeyRequired
        caller = str(request.user.pk)
        wanted = request_hash(request)
        try:
            if at_once is not None:
                guard = _guard(request, caller, key)
                done = at_once(request, Answering(caller, key, wanted, guard))
                if done is not None:
                    return _response(done, 200)
            with transaction.atomic():
                _enter(request, caller, key)
                with acting() as left:
                    response = method(view, request, *args, **kwargs)
                body = _render(response.data)
                _store(left, caller, key, wanted, response.status_code, body)
            return _response(body, response.status_code)
        except LateRefusal as late:
            return _refused(late.in_words(), request, caller, key, wanted)
        except Refusal as refusal:
            return _refused(refusal, request, caller, key, wanted)
        except DatabaseError as error:
            return _instead(error, caller, key, wanted)

    @wraps(method)
    def confirmed(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return once(view, request, *args, **kwargs)
        except Exception as error:
            # The act has not confirmed a key from memory: nothing else is said to it unread.
            read_now(request)
            if said_by_guard(error) != CHANGED:
                raise
        view.check_permissions(request)
        return once(view, request, *args, **kwargs)

    return extend_schema(parameters=[PARAMETER])(confirms_key(confirmed))


def _refused(
    refusal: Refusal, request: Request, caller: str, key: str, wanted: bytes
) -> HttpResponse:
    """The effect is rolled back by now; the refusal is stored as the answer to this key.

    An act that refused before it asked the database has not been told of an earlier answer.
    """
    if refusal.status in NOT_STORED or refusal.status >= 500:
        read_now(request)
        stored = _stored(caller, key, wanted)
        if stored is None:
            raise refusal
        return stored
    body = _render(problems.of_refusal(refusal))
    try:
        with transaction.atomic():
            _enter(request, caller, key)
            _store(Batch(), caller, key, wanted, refusal.status, body)
    except DatabaseError as error:
        return _instead(error, caller, key, wanted)
    response = _response(body, refusal.status)
    for name, value in problems.headers_for(refusal).items():
        response[name] = value
    return response
