"""Drives one function from eight forked processes for some seconds and counts what they finish."""

import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import connections

from common.collector import settle

from .floor import CLIENTS

# A forked process copies what it shares with its parent when it first touches it: some 5,600 pages
# in the first 25 grants, and hardly any after 40.
WARM_UP = 40

Work = Callable[[int, int], None]


def _child(number: int, work: Work, seconds: float, barrier: Any, results: Any) -> None:
    times: list[float] = []
    error = ""
    try:
        connections["default"].ensure_connection()
        # A process's first acts load modules and open connections: they are not what is measured.
        for done in range(WARM_UP):
            work(number, done)
        barrier.wait(120)
        end = time.perf_counter() + seconds
        done = WARM_UP
        while (start := time.perf_counter()) < end:
            work(number, done)
            times.append(time.perf_counter() - start)
            done += 1
    except Exception as problem:  # the parent says it and stops
        error = f"{type(problem).__name__}: {problem}"
    results.put((times, error))
    results.close()
    results.join_thread()
    os._exit(0)


def drive(work: Work, seconds: float) -> tuple[float, float]:
    """(acts a second over all processes, 95th percentile of one act in milliseconds)."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(CLIENTS)
    results = context.Queue()
    connections.close_all()
    cache.close()
    # As the web server does before its workers are forked.
    settle()
    children = [
        context.Process(target=_child, args=(number, work, seconds, barrier, results))
        for number in range(CLIENTS)
    ]
    for child in children:
        child.start()
    answers = [results.get(timeout=seconds + 120) for _child_process in children]
    for child in children:
        child.join(timeout=60)
    problems = [error for _times, error in answers if error]
    if problems:
        raise RuntimeError(problems[0])
    times = sorted(value for found, _error in answers for value in found)
    return len(times) / seconds, times[int(len(times) * 0.95)] * 1000
