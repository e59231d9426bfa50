"""Reads many streams at once, and waits until one has something.

A single Redis does that with one command. In a cluster a command has one slot, so a task of its own reads
each stream, also between two calls.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from bridge.storage.cluster import Cluster
from bridge.storage.redis import Redis

AWAY_SECONDS = 0.5
"""Seconds until a stream whose node does not answer is tried again."""

Found = list[tuple[str, bytes, Mapping[bytes, bytes]]]
"""Entries: the stream's name, the entry's id, its fields."""


class Streams:
    """A reader of streams; only one `read` at a time."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._apart = isinstance(redis, Cluster)
        self._reads: dict[tuple[str, str], asyncio.Task[Found]] = {}
        self._left: set[asyncio.Task[Found]] = set()

    async def read(self, positions: Mapping[str, str], *, count: int, block_ms: int) -> Found:
        """Return up to `count` new entries of each stream, after its position; waits up to `block_ms`.

        Raises redis-py's errors; in a cluster none: a stream whose node is away is tried again.
        """
        if not self._apart:
            return await self._xread(positions, count, block_ms)
        for which in self._reads.keys() - set(positions.items()):
            self._leave(which)
        for which in positions.items() - self._reads.keys():
            self._reads[which] = asyncio.create_task(self._alone(dict([which]), count, block_ms))
        await asyncio.wait(self._reads.values(), return_when=asyncio.FIRST_COMPLETED)
        ended = [which for which, task in self._reads.items() if task.done()]
        return [entry for which in ended for entry in self._reads.pop(which).result()]

    async def close(self) -> None:
        """Cancel the reads under way."""
        tasks = [*self._reads.values(), *self._left]
        self._reads.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _alone(self, position: Mapping[str, str], count: int, block_ms: int) -> Found:
        try:
            return await self._xread(position, count, block_ms)
        except (RedisError, OSError):
            await asyncio.sleep(AWAY_SECONDS)
            return []

    async def _xread(self, positions: Mapping[str, str], count: int, block_ms: int) -> Found:
        answer = await self._redis.xread(dict(positions), count=count, block=block_ms)
        batches = answer.items() if isinstance(answer, dict) else answer or ()
        return [
            (stream.decode(), entry_id, fields)
            for stream, entries in batches
            for entry_id, fields in _flat(entries)
        ]

    def _leave(self, which: tuple[str, str]) -> None:
        """Forget a read: the entries that it finds are read again later."""
        task = self._reads.pop(which)
        self._left.add(task)
        task.add_done_callback(self._left.discard)


def _flat(entries: Any) -> Any:
    """Undo RESP3's further nesting of a stream's entries."""
    return entries[0] if entries and isinstance(entries[0], list) else entries
