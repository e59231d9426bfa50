"""The backlog: how many bytes wait in all, as of a second ago, so that no delivery waits for the sum.

The backlog lies in many partitions, and each atomic step sees one: there it holds a repository to its budget.
"""

import asyncio
import time

from redis.exceptions import RedisError

from bridge.core.budgets import Budgets
from bridge.storage import keys
from bridge.storage.redis import Redis

REFRESH_SECONDS = 1
TASK = "adding up what waits"
STALE_SECONDS = 5
"""An older sum is ignored."""


class Backlog:
    """Adds up the backlogs of the partitions."""

    def __init__(self, redis: Redis, budgets: Budgets) -> None:
        self._redis = redis
        self._budget = budgets.queue
        self._bytes = 0
        self._read_at = self._asked_at = -float("inf")
        self._reading: asyncio.Task[None] | None = None

    def is_over(self) -> bool:
        """Tell whether the backlog exceeds its budget, by the newest sum."""
        if not self._budget:
            return False
        now = time.monotonic()
        if now - self._asked_at > REFRESH_SECONDS and (self._reading is None or self._reading.done()):
            self._asked_at = now
            self._reading = asyncio.create_task(self._refresh(), name=TASK)
        return self._bytes >= self._budget and now - self._read_at < STALE_SECONDS

    async def read(self) -> int:
        """Add up the backlog now; raises redis-py's errors."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(keys.PARTITIONS):
                pipe.hget(keys.backlog(partition), "all")
            self._bytes = sum(int(one) for one in await pipe.execute() if one)
        self._read_at = time.monotonic()
        return self._bytes

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _refresh(self) -> None:
        try:
            await self.read()
        except (RedisError, OSError):
            # Processes that take deliveries meanwhile find out, too.
            return
