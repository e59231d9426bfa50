"""Who works on which partition: leases with a lifetime and a fence, on Redis.

A worker tells Redis that it lives, and takes its share of the partitions; one that dies loses its leases
when they run out. Every new owner puts up a fence of its own, and every write of the queue names its
owner's: an owner that was frozen past its lease is refused.
"""

import secrets

from bridge.queue.entries import Lease
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis


class Leases:
    """The leases of one worker, `worker_id`; `seconds` is how long one holds without being renewed."""

    def __init__(self, redis: Redis, *, worker_id: str, seconds: float) -> None:
        self._redis = redis
        self._worker_id = worker_id
        self._seconds = seconds
        self._heartbeat = load_script(redis, "bridge.queue", "heartbeat")
        self._acquire = load_script(redis, "bridge.queue", "acquire")
        self._renew = load_script(redis, "bridge.queue", "renew")
        self._release = load_script(redis, "bridge.queue", "release")

    async def share(self) -> int:
        """Tell that this worker lives; how many partitions are its share among those that live."""
        living: int = await self._heartbeat(
            keys=[keys.WORKERS], args=[self._worker_id, max(1, round(self._seconds))]
        )
        return -(-keys.PARTITIONS // max(1, living))

    async def acquire(self, partition: int) -> Lease | None:
        """The lease of a partition, or None while another worker has it."""
        fence = secrets.token_hex(8)
        taken = await self._acquire(
            keys=[keys.lease(partition), keys.fence(partition)],
            args=[self._worker_id, self._milliseconds, fence],
        )
        return Lease(partition=partition, fence=fence) if taken else None

    async def renew(self, lease: Lease) -> bool:
        """Keep a lease for its full time again; False if another worker has taken the partition."""
        kept = await self._renew(
            keys=[keys.lease(lease.partition), keys.fence(lease.partition)],
            args=[self._worker_id, self._milliseconds, lease.fence],
        )
        return bool(kept)

    async def release(self, lease: Lease) -> None:
        """Give a partition back, so that another worker can take it at once."""
        await self._release(
            keys=[keys.lease(lease.partition), keys.fence(lease.partition)], args=[lease.fence]
        )

    async def leave(self) -> None:
        """Tell that this worker takes no share any more."""
        await self._redis.zrem(keys.WORKERS, self._worker_id)

    @property
    def _milliseconds(self) -> int:
        return round(self._seconds * 1000)
