"""Fixtures of this app's tests."""

import pytest

from .scenario import Company, build


@pytest.fixture
def company(db: None) -> Company:
    return build()
