"""One product and one browser for all journeys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium as start_chromium
from tests.support.stack import running_stack


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with running_stack() as found:
        yield found


@pytest.fixture(scope="session")
def browser_now() -> Iterator[Browser]:
    with start_chromium() as found:
        yield found
