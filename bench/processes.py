"""Drives one function for some seconds from eight clients, and counts what they finish.

They are what the web server of `make run` is: forked processes with several threads each.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import connection, connections

from common.collector import settle
from recovery.embedded.services import THREADS, WORKERS

from .floor import CLIENTS

# A forked process copies what it shares with its parent when it first touches it: some 5,600 pages
# in the first 25 grants, and hardly any after 40.
WARM_UP = 40

# What client number N does as its act number M.
Work = Callable[[int, int], None]


def _client(number: int, work: Work, seconds: float, barrier: Any, results: Any) -> None:
    times: list[float] = []
    error = ""
    try:
        connection.ensure_connection()
        # First acts load modules and open connections: they are not what is measured.
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


def _worker(first: int, work: Work, seconds: float, barrier: Any, results: Any) -> None:
    clients = [
        threading.Thread(target=_client, args=(number, work, seconds, barrier, results))
        for number in range(first, first + THREADS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    results.close()
    results.join_thread()
    os._exit(0)


def drive(work: Work, seconds: float) -> tuple[float, float]:
    """(acts a second over all clients, 95th percentile of one act in milliseconds)."""
    assert WORKERS * THREADS == CLIENTS
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(CLIENTS)
    results = context.Queue()
    connections.close_all()
    cache.close()
    # As the web server does before its workers are forked.
    settle()
    workers = [
        context.Process(target=_worker, args=(first, work, seconds, barrier, results))
        for first in range(0, CLIENTS, THREADS)
    ]
    for worker in workers:
        worker.start()
    answers = [results.get(timeout=seconds + 120) for _client in range(CLIENTS)]
    for worker in workers:
        worker.join(timeout=60)
    problems = [error for _times, error in answers if error]
    if problems:
        raise RuntimeError(problems[0])
    times = sorted(value for found, _error in answers for value in found)
    return len(times) / seconds, times[int(len(times) * 0.95)] * 1000
