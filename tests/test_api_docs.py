"""The API's description as a page: drawn from this host's files under the strict policy."""

from typing import Any

import pytest

from tests.support.browser import Watched, chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.django_db(transaction=True)
def test_the_description_is_drawn(live_server: Any) -> None:
    with chromium() as browser:
        watched = Watched(browser, live_server.url)
        watched.page.goto("/api/v1/docs/")
        watched.page.get_by_text("/api/v1/coupons/redeem").first.wait_for()
        assert watched.faults == []
        watched.context.close()
