"""Leases of partitions, each with a lifetime and a fence.

A worker sends heartbeats and takes its share of the partitions; the leases of a worker that dies expire. Each
new owner sets a fence of its own, and each write to the queue names its owner's: Redis refuses an owner that
was frozen past its lease.
"""

import secrets

from bridge.queue.entries import Lease
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis


class Leases:
    """The leases of the worker `worker_id`; without renewal one expires after `seconds`."""

    def __init__(self, redis: Redis, *, worker_id: str, seconds: float) -> None:
        self._redis = redis
        self._worker_id = worker_id
        self._seconds = seconds
        self._heartbeat = load_script(redis, "bridge.queue", "heartbeat")
        self._acquire = load_script(redis, "bridge.queue", "acquire")
        self._renew = load_script(redis, "bridge.queue", "renew")
        self._release = load_script(redis, "bridge.queue", "release")

    async def share(self) -> int:
        """Send a heartbeat; returns how many partitions are this worker's share."""
        living: int = await self._heartbeat(
            keys=[keys.WORKERS], args=[self._worker_id, max(1, round(self._seconds))]
        )
        return -(-keys.PARTITIONS // max(1, living))

    async def acquire(self, partition: int) -> Lease | None:
        """Acquire the lease of a partition; None while another worker holds it."""
        fence = secrets.token_hex(8)
        taken = await self._acquire(
            keys=[keys.lease(partition), keys.fence(partition)],
            args=[self._worker_id, self._milliseconds, fence],
        )
        return Lease(partition=partition, fence=fence) if taken else None

    async def renew(self, lease: Lease) -> bool:
        """Renew a lease for its full time; False if another worker has taken the partition."""
        kept = await self._renew(
            keys=[keys.lease(lease.partition), keys.fence(lease.partition)],
            args=[self._worker_id, self._milliseconds, lease.fence],
        )
        return bool(kept)

    async def release(self, lease: Lease) -> None:
        """Release a lease, so that another worker can acquire it at once."""
        await self._release(
            keys=[keys.lease(lease.partition), keys.fence(lease.partition)], args=[lease.fence]
        )

    async def leave(self) -> None:
        """Leave the workers that share the partitions."""
        await self._redis.zrem(keys.WORKERS, self._worker_id)

    @property
    def _milliseconds(self) -> int:
        return round(self._seconds * 1000)
