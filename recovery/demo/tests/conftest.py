"""A small demo company, built once for a module's tests and rolled back after them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from recovery.demo.seed import Size, seed_company

# A Sunday evening in both markets, early on Monday in UTC, near the end of a month.
NOW = dt.datetime(2026, 11, 30, 1, 30, tzinfo=dt.UTC)
SMALL = Size(incidents=420, customers=240)


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: Any) -> Iterator[dt.datetime]:
    """The moment for which the company was built."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed_company(seed=7, now=NOW, size=SMALL)
        yield NOW
        transaction.set_rollback(True)
