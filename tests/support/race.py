"""Runs one function in many real processes at the same instant, against the test's own database.

Processes are forked, so that fifty of them start in moments; each opens its own connection. The
rows they work on must be committed: use a transactional test.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connections

from common.errors import Refusal

SECONDS = 60
Answers = list[tuple[str, Any]]


def _child(
    work: Callable[[Any], Any],
    argument: Any,
    barrier: Any,
    results: Any,
    guards_off: Sequence[str],
) -> None:
    answer: tuple[str, Any]
    try:
        settings.GUARDS_OFF = frozenset(guards_off)
        connections["default"].ensure_connection()
        barrier.wait(SECONDS)
        answer = ("ok", work(argument))
    except Refusal as refusal:
        answer = ("refused", refusal.code)
    except BaseException as error:
        answer = ("error", f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=4)}")
    results.put(answer)
    results.close()
    results.join_thread()
    os._exit(0)


def race(
    work: Callable[[Any], Any], arguments: Iterable[Any], *, guards_off: Sequence[str] = ()
) -> Answers:
    """Each `work(argument)` in its own process: (`ok`, result), (`refused`, code), (`error`, text).

    Raises queue.Empty when a process does not answer in time.
    """
    todo = list(arguments)
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(todo))
    results = context.Queue()
    connections.close_all()
    cache.close()
    children = [
        context.Process(target=_child, args=(work, argument, barrier, results, guards_off))
        for argument in todo
    ]
    for child in children:
        child.start()
    try:
        return [results.get(timeout=SECONDS) for _child_process in children]
    finally:
        for child in children:
            child.join(timeout=SECONDS)
            if child.is_alive():
                child.kill()


def count(answers: Answers, outcome: str) -> int:
    """How many ended with `outcome`."""
    return sum(1 for kind, _value in answers if kind == outcome)


def errors(answers: Answers) -> list[str]:
    """What ended with neither a result nor a refusal."""
    return [value for kind, value in answers if kind == "error"]
