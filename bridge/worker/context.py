"""The context that all steps of processing a partition share."""

import time
from collections.abc import Awaitable, Callable, Sequence

from redis.exceptions import RedisError

from bridge.process.shutdown import Shutdown
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import Ack, Attempts, Entry, Lease
from bridge.storage.group_commit import GroupCommit
from bridge.worker.partition_cache import PartitionCache

REDIS_PAUSE = 0.5
"""Seconds before Redis is asked again."""

MAX_ACKS = 64
"""Messages that are acknowledged together."""

NO_ATTEMPTS = Attempts()


class PartitionContext:
    """A partition's lease, failed attempts and cache, and the signals that end work on it."""

    def __init__(self, lease: Lease, queue: DeliveryQueue, attempts: dict[str, Attempts]) -> None:
        self.lease = lease
        self.cache = PartitionCache()
        self.closing = Shutdown()
        """Start nothing new, and retry nothing."""
        self.abandoned = Shutdown()
        """Do not even finish what is under way."""
        self._queue = queue
        self._attempts = attempts
        self._acks = GroupCommit(self._ack, most=MAX_ACKS)

    def attempts(self, entry: Entry) -> Attempts:
        """Return the failed attempts at an entry so far."""
        return self._attempts.get(_name(entry), NO_ATTEMPTS)

    def has_failed(self, entry: Entry) -> bool:
        """Tell whether an attempt at an entry failed."""
        return _name(entry) in self._attempts

    async def record_attempt(self, entry: Entry, attempts: Attempts) -> None:
        """Remember a failed attempt, here and in Redis."""
        self._attempts[_name(entry)] = attempts
        await self.persist(lambda: self._queue.record_attempt(self.lease, entry, attempts))

    async def ack(self, ack: Ack) -> None:
        """Remove a message from the outbox, together with others of the same moment."""
        await self.persist(lambda: self._acks.add(ack))

    def forget_attempts(self, entry: Entry) -> None:
        """Forget the failed attempts at an entry that is done."""
        self._attempts.pop(_name(entry), None)

    async def persist(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write to Redis, and wait while it is unavailable: a write that is lost is a message posted twice.

        Raises `Stopped` once the partition is abandoned, and what else `write` raises.
        """
        while True:
            try:
                return await write()
            except (RedisError, OSError):
                await self.abandoned.pause_until(time.time() + REDIS_PAUSE)

    async def _ack(self, acks: Sequence[Ack]) -> Sequence[None]:
        await self._queue.ack(self.lease, acks)
        return [None] * len(acks)


def _name(entry: Entry) -> str:
    return f"{entry.kind}:{entry.id}"
