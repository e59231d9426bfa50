"""Live updates: no message falls between two looks at the news."""

import asyncio
from typing import Any, cast

from bridge.inbox import keys
from bridge.inbox.threads.feed import Feed
from bridge.inbox.threads.messages import MessageStore
from bridge.storage.client import close_redis, connect_redis
from tests.conftest import PATIENCE
from tests.inbox.threads.test_messages import content


async def test_changes_before_the_first_read_wake_readers(redis_url: str) -> None:
    redis = connect_redis(redis_url)
    await cast("Any", redis).hset(keys.FLOWS, "flow", "{}")
    feed = Feed(redis, MessageStore(redis=redis))
    with feed.waiting("flow") as changed:
        await MessageStore(redis=redis).post("flow", 1, content(1))
        reading = asyncio.create_task(feed.run())
        async with asyncio.timeout(PATIENCE):
            await changed.wait()
            changed.clear()
            await MessageStore(redis=redis).post("flow", 1, content(2))
            await changed.wait()
    reading.cancel()
    await asyncio.wait([reading])
    await close_redis(redis)
