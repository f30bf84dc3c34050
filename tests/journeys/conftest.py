"""One product, one browser and one signing-in of each person for all journeys."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Crew, Watched
from tests.support.stack import ROOT, Running, running_stack

FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def stack() -> Iterator[Running]:
    with running_stack() as running:
        yield running


@pytest.fixture(scope="session")
def crew(browser_now: Browser, stack: Running) -> Crew:
    return Crew(browser_now, stack.address)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Leaves with the journey whether it failed, for the pictures of where it stopped."""
    report = yield
    item.stash[FAILED] = report.failed or item.stash.get(FAILED, False)
    return report


@pytest.fixture
def person(crew: Crew, request: pytest.FixtureRequest) -> Iterator[Callable[..., Watched]]:
    """Opens a person's browser; the journey fails on any fault that a page met."""
    yield crew.enter
    failed = request.node.stash.get(FAILED, False)
    name = request.node.name.replace("[", "-").strip("]")
    assert crew.leave(pictures=str(ROOT / "test-results" / name) if failed else "") == []
