"""The doctor of the test's own house."""

import pytest

from tests.conftest import House
from tests.kits.doctor import Doctor


@pytest.fixture
def asking(house: House, redis_url: str) -> Doctor:
    return Doctor(house, redis_url)
