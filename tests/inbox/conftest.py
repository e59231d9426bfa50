"""What the inbox's tests share: a real Redis, emptied."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.storage.client import close_redis, connect_redis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Any]:
    redis = connect_redis(redis_url)
    yield redis
    await close_redis(redis)
