"""Gives a test run its servers before Django's settings are read. Named in `pytest.ini`.

One PostgreSQL for the run, started by the process the person started; each process that runs tests
(every xdist worker, or that one process) has a broker of its own, so that no test meets another's
queue or cache, and may kill its broker. pytest-django gives each process its own database.
`DATABASE_URL` and `REDIS_URL` that are set are used instead; workers then share that broker, on
database numbers of their own.
"""

import atexit
import os
import sys
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from .errors import CannotStart
from .scratch import Scratch, settings_for_tests

_PLUGIN = "recovery.embedded.pytest_plugin"
_JOURNEYS = "tests/journeys/"
_running: list[Scratch] = []


def _own_database_number(url: str, worker: int) -> str:
    """The same broker on another database: 0 and 1 stay with whoever uses it outside tests."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{2 + worker % 14}"))


def _worker() -> int | None:
    """The number of this xdist worker; None in the process that the person started."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw")) if name.startswith("gw") else None


def _compile_once(folder: Path) -> None:
    """Where the shell forbids compiled modules, as containers do, this run keeps its own.

    A run starts over a hundred processes of the product, and each would compile all of Django.
    """
    if not os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        return
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
    sys.dont_write_bytecode = False


def _start() -> None:
    scratch = Scratch()
    _running.append(scratch)
    _compile_once(scratch.folder / "compiled")
    if "DATABASE_URL" not in os.environ:
        scratch.start_database()
    for name, value in {**settings_for_tests(scratch.folder), **scratch.environment}.items():
        os.environ.setdefault(name, value)
    # Workers read no command line; this is how they load this plugin early enough.
    os.environ["PYTEST_PLUGINS"] = _PLUGIN
    if "REDIS_URL" in os.environ:
        os.environ["TEST_OWN_REDIS_URL"] = os.environ["REDIS_URL"]
    else:
        scratch.start_broker()
        os.environ["REDIS_URL"] = scratch.environment["REDIS_URL"]


def _start_worker(worker: int) -> None:
    own = os.environ.get("TEST_OWN_REDIS_URL")
    os.environ["CACHE_PREFIX"] = f"test{worker}"
    if own:
        os.environ["REDIS_URL"] = _own_database_number(own, worker)
        return
    scratch = Scratch()
    _running.append(scratch)
    scratch.start_broker()
    os.environ["REDIS_URL"] = scratch.environment["REDIS_URL"]


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """A wrapper runs before every plain implementation, pytest-django's among them."""
    atexit.register(_stop)  # for a run that fails before it is configured
    worker = _worker()
    try:
        if worker is None:
            _start()
        else:
            _start_worker(worker)
    except CannotStart as problem:
        _stop()
        raise pytest.UsageError(str(problem)) from problem
    yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests begin first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # it ships no types
    """Tests of one file on one worker; all journeys on one, which starts the product for them."""

    def _split_scope(self, nodeid: str) -> str:
        return _JOURNEYS if nodeid.startswith(_JOURNEYS) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile | None:
    """How tests are shared out under `--dist loadfile`."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def _stop() -> None:
    while _running:
        _running.pop().stop()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """The servers end with the run. Should the run be killed, the kernel ends them."""
    _stop()
